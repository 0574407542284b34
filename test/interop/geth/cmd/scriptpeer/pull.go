package main

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/protocols/eth"
	"github.com/ethereum/go-ethereum/trie"
)

const (
	headersAtOnce     = 192
	blocksAtOnce      = 128
	accessListsAtOnce = 32
)

// pull fetches the whole chain given by -chain and checks every header, body, receipt and access list against it.
// The blocks of without must have their receipts left out: one block's receipts can be larger than a message may be.
func (s *session) pull(without []uint64) (result, error) {
	if len(s.blocks) == 0 {
		return nil, errors.New("no chain was given")
	}
	start := time.Now()
	for from := 0; from < len(s.blocks); {
		headers, err := s.getHeaders(eth.GetBlockHeadersRequest{
			Origin: eth.HashOrNumber{Number: uint64(from)}, Amount: headersAtOnce,
		})
		if err != nil {
			return nil, fmt.Errorf("headers from %d: %w", from, err)
		}
		if len(headers) == 0 {
			return nil, fmt.Errorf("no headers from %d on", from)
		}
		for i, header := range headers {
			if from+i >= len(s.blocks) || header.Hash() != s.blocks[from+i].Hash() {
				return nil, fmt.Errorf("header %d is not the chain's", from+i)
			}
		}
		from += len(headers)
	}
	for from := 0; from < len(s.blocks); {
		bodies, err := s.getBodies(hashesOf(s.batch(from, blocksAtOnce)))
		if err != nil {
			return nil, fmt.Errorf("bodies from %d: %w", from, err)
		}
		if len(bodies) == 0 {
			return nil, fmt.Errorf("no bodies from %d on", from)
		}
		for i, body := range bodies {
			header := s.blocks[from+i].Header()
			if body.Transactions != header.TxHash || body.Uncles != header.UncleHash || !sameHash(body.Withdrawals, header.WithdrawalsHash) {
				return nil, fmt.Errorf("body %d does not belong to the header", from+i)
			}
		}
		from += len(bodies)
	}
	receipts, partial, err := s.pullReceipts(without)
	if err != nil {
		return nil, err
	}
	lists := 0
	if s.version >= eth.ETH71 {
		if lists, err = s.pullAccessLists(); err != nil {
			return nil, err
		}
	}
	return result{
		"blocks": len(s.blocks) - 1, "receipts": receipts, "partial": partial, "accessLists": lists,
		"ms": time.Since(start).Milliseconds(),
	}, nil
}

// pullReceipts returns how many receipts came and how many answers were incomplete.
func (s *session) pullReceipts(without []uint64) (total, partial int, err error) {
	for from := 0; from < len(s.blocks); {
		batch := s.batch(from, blocksAtOnce)
		lists, incomplete, err := s.getReceipts(hashesOf(batch), 0)
		if err != nil {
			return 0, 0, fmt.Errorf("receipts from %d: %w", from, err)
		}
		if len(lists) == 0 && slices.Contains(without, uint64(from)) {
			from++
			continue
		}
		if len(lists) == 0 || len(lists) > len(batch) {
			return 0, 0, fmt.Errorf("%d lists of receipts from %d on", len(lists), from)
		}
		last := len(lists) - 1
		for incomplete {
			partial++
			have := uint64(lists[last].Derivable().Len())
			more, still, err := s.getReceipts(hashesOf(batch[last:last+1]), have)
			if err != nil {
				return 0, 0, fmt.Errorf("receipts of %d from the %d. on: %w", from+last, have, err)
			}
			if len(more) != 1 {
				return 0, 0, fmt.Errorf("receipts of %d from the %d. on: %d lists", from+last, have, len(more))
			}
			lists[last].Append(more[0])
			incomplete = still
		}
		for i, list := range lists {
			derivable := list.Derivable()
			if types.DeriveSha(derivable, trie.NewStackTrie(nil)) != s.blocks[from+i].ReceiptHash() {
				return 0, 0, fmt.Errorf("receipts of %d do not belong to the header", from+i)
			}
			total += derivable.Len()
		}
		from += len(lists)
	}
	return total, partial, nil
}

func (s *session) pullAccessLists() (int, error) {
	total := 0
	for from := 0; from < len(s.blocks); {
		batch := s.batch(from, accessListsAtOnce)
		lists, err := s.getAccessLists(hashesOf(batch))
		if err != nil {
			return 0, fmt.Errorf("access lists from %d: %w", from, err)
		}
		if len(lists) == 0 || len(lists) > len(batch) {
			return 0, fmt.Errorf("%d access lists from %d on", len(lists), from)
		}
		for i, hash := range lists {
			if !sameHash(hash, s.blocks[from+i].Header().BlockAccessListHash) {
				return 0, fmt.Errorf("access list of %d is not the header's", from+i)
			}
			if hash != nil {
				total++
			}
		}
		from += len(lists)
	}
	return total, nil
}

func (s *session) batch(from, size int) []*types.Block {
	return s.blocks[from:min(from+size, len(s.blocks))]
}

func hashesOf(blocks []*types.Block) []common.Hash {
	hashes := make([]common.Hash, len(blocks))
	for i, b := range blocks {
		hashes[i] = b.Hash()
	}
	return hashes
}

func sameHash(a, b *common.Hash) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
