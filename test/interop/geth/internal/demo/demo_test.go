package demo

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/rlp"

	"rlpxd/test/interop/geth/internal/chainfile"
)

const folder = "../../../../../demo"

// The committed files are what the generator makes today.
func TestFilesAreReproducible(t *testing.T) {
	files, err := Generate().Files()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s differs from what the generator makes", name)
		}
		total += len(have)
	}
	if total > 1<<20 {
		t.Errorf("the files take %d bytes, more than 1 MiB", total)
	}
}

// geth's own chain, from a database of its own, executes every block and ends at the same head; its receipts are the
// ones in the file. The access lists are left out of what it is given, so that it makes them itself: the same ones.
func TestGethImportsTheChain(t *testing.T) {
	genesis, err := chainfile.Genesis(filepath.Join(folder, GenesisFile))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := chainfile.Blocks(filepath.Join(folder, ChainFile), 0)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := core.NewBlockChain(rawdb.NewMemoryDatabase(), genesis, beacon.New(ethash.NewFaker()), core.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Stop()
	bare := make([]*types.Block, len(blocks))
	for i, block := range blocks {
		bare[i] = types.NewBlockWithHeader(block.Header()).WithBody(*block.Body())
	}
	if n, err := chain.InsertChain(bare); err != nil {
		t.Fatalf("block %d: %v", n+1, err)
	}
	head := blocks[len(blocks)-1]
	if chain.CurrentBlock().Hash() != head.Hash() || head.NumberU64() != Blocks {
		t.Fatalf("geth's head is %d %x, ours %d %x", chain.CurrentBlock().Number, chain.CurrentBlock().Hash(), head.Number(), head.Hash())
	}

	receipts := stream(t, ReceiptsFile)
	kinds := map[uint8]int{}
	var failed, creations, logs, withdrawals, empty, amsterdam, unprotected int
	for _, block := range blocks {
		executed := chain.GetReceiptsByHash(block.Hash())
		want, err := rlp.EncodeToBytes(wireReceipts(executed))
		if err != nil {
			t.Fatal(err)
		}
		have, err := receipts.Raw()
		if err != nil {
			t.Fatalf("receipts of block %d: %v", block.Number(), err)
		}
		if !bytes.Equal(have, want) {
			t.Fatalf("receipts of block %d differ", block.Number())
		}
		for i, tx := range block.Transactions() {
			kinds[tx.Type()]++
			if !tx.Protected() {
				unprotected++
			}
			if tx.To() == nil {
				creations++
			}
			if executed[i].Status == types.ReceiptStatusFailed {
				failed++
			}
			logs += len(executed[i].Logs)
		}
		withdrawals += len(block.Withdrawals())
		if len(block.Transactions()) == 0 {
			empty++
		}
		if block.BlockAccessListHash() == nil {
			continue
		}
		amsterdam++
		list, err := rlp.EncodeToBytes(block.AccessList())
		if err != nil {
			t.Fatal(err)
		}
		if crypto.Keccak256Hash(list) != *block.BlockAccessListHash() {
			t.Fatalf("access list of block %d does not have the hash in the header", block.Number())
		}
		if !bytes.Equal(list, chain.GetAccessListRLP(block.Hash())) {
			t.Fatalf("access list of block %d is not the one geth serves", block.Number())
		}
	}
	if _, _, err := receipts.Kind(); !errors.Is(err, io.EOF) {
		t.Errorf("%s holds more than the chain", ReceiptsFile)
	}
	for kind := uint8(types.LegacyTxType); kind <= types.SetCodeTxType; kind++ {
		if kinds[kind] < 10 {
			t.Errorf("only %d transactions of type %d", kinds[kind], kind)
		}
	}
	for name, count := range map[string]int{
		"failed transactions": failed, "contract creations": creations, "logs": logs, "withdrawals": withdrawals,
		"empty blocks": empty, "Amsterdam blocks": amsterdam, "transactions without chain id": unprotected,
	} {
		if count < 10 {
			t.Errorf("only %d %s", count, name)
		}
	}
	t.Logf("transactions by type %v; %d failed, %d creations, %d logs, %d withdrawals, %d empty blocks, %d Amsterdam blocks",
		kinds, failed, creations, logs, withdrawals, empty, amsterdam)
}

func stream(t *testing.T, name string) *rlp.Stream {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return rlp.NewStream(bytes.NewReader(content), uint64(len(content)))
}
