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
	"github.com/ethereum/go-ethereum/rlp"
)

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
		block := new(types.Block)
		err := stream.Decode(block)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: block %d: %w", path, len(blocks), err)
		}
		if block.NumberU64() > 0 {
			blocks = append(blocks, block)
		}
	}
	return blocks, nil
}
