package demo

import (
	"bytes"
	"encoding/json"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"

	"rlpxd/test/interop/geth/internal/chainfile"
)

// Names of the files, as they stand in the folder `demo` of the repository.
const (
	GenesisFile  = "genesis.json"
	ChainFile    = "chain.rlp"
	ReceiptsFile = "receipts.rlp"
)

// receipt is a receipt as eth/69 and later carry it: without bloom, and a list also for typed transactions.
type receipt struct {
	TxType            uint8
	StatusOrPostState []byte
	CumulativeGasUsed uint64
	Logs              []*types.Log
}

// Files returns the content of every file of the demonstration chain by its name.
func (c *Chain) Files() (map[string][]byte, error) {
	genesis, err := genesisJSON(c)
	if err != nil {
		return nil, err
	}
	var chain, receipts bytes.Buffer
	for i, block := range c.Blocks {
		if err := rlp.Encode(&chain, chainfile.NewRecord(block)); err != nil {
			return nil, err
		}
		if err := rlp.Encode(&receipts, wireReceipts(c.Receipts[i])); err != nil {
			return nil, err
		}
	}
	return map[string][]byte{
		GenesisFile:  genesis,
		ChainFile:    chain.Bytes(),
		ReceiptsFile: receipts.Bytes(),
	}, nil
}

func wireReceipts(receipts types.Receipts) []receipt {
	out := make([]receipt, len(receipts))
	for i, r := range receipts {
		status := []byte{}
		switch {
		case len(r.PostState) > 0:
			status = r.PostState
		case r.Status == types.ReceiptStatusSuccessful:
			status = []byte{1}
		}
		out[i] = receipt{TxType: r.Type, StatusOrPostState: status, CumulativeGasUsed: r.CumulativeGasUsed, Logs: r.Logs}
	}
	return out
}

// genesisJSON writes the genesis as geth reads it; fields without a value are left out.
func genesisJSON(c *Chain) ([]byte, error) {
	full, err := json.Marshal(c.Genesis)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(full))
	decoder.UseNumber()
	fields := map[string]any{}
	if err := decoder.Decode(&fields); err != nil {
		return nil, err
	}
	for name, value := range fields {
		if value == nil {
			delete(fields, name)
		}
	}
	out, err := json.MarshalIndent(fields, "", "  ")
	return append(out, '\n'), err
}
