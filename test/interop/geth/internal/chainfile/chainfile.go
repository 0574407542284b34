// Package chainfile reads a chain as geth writes it: genesis.json and concatenated RLP blocks.
package chainfile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/types/bal"
	"github.com/ethereum/go-ethereum/rlp"
)

// Record is a block as the command `geth export` writes it and `geth import` reads it: unlike a block on the wire it
// carries the access list, from Amsterdam on.
type Record struct {
	Header      *types.Header
	Txs         []*types.Transaction
	Uncles      []*types.Header
	Withdrawals []*types.Withdrawal  `rlp:"optional"`
	AccessList  *bal.BlockAccessList `rlp:"optional"`
}

// NewRecord returns the record of a block.
func NewRecord(b *types.Block) Record {
	return Record{b.Header(), b.Transactions(), b.Uncles(), b.Withdrawals(), b.AccessList()}
}

// Block returns the block of a record.
func (r Record) Block() *types.Block {
	body := types.Body{Transactions: r.Txs, Uncles: r.Uncles, Withdrawals: r.Withdrawals}
	return types.NewBlockWithHeader(r.Header).WithBody(body).WithAccessListUnsafe(r.AccessList)
}

// Genesis reads a genesis.json.
func Genesis(path string) (*core.Genesis, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	genesis := new(core.Genesis)
	if err := json.Unmarshal(content, genesis); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return genesis, nil
}

// Blocks reads up to limit blocks (0: all); a block 0 at the beginning is left out.
func Blocks(path string, limit int) ([]*types.Block, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	stream := rlp.NewStream(bufio.NewReaderSize(file, 1<<20), 0)
	var blocks []*types.Block
	for limit == 0 || len(blocks) < limit {
		var record Record
		err := stream.Decode(&record)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: block %d: %w", path, len(blocks), err)
		}
		if block := record.Block(); block.NumberU64() > 0 {
			blocks = append(blocks, block)
		}
	}
	return blocks, nil
}
