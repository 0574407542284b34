package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/protocols/eth"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
)

// command is one line of stdin.
type command struct {
	Op string

	// headers
	Origin  json.RawMessage // number or 32-byte hash
	Amount  number
	Skip    number
	Reverse bool
	// bodies, receipts, accessLists
	Hashes []common.Hash
	First  uint64 // first receipt of the first block
	// pull: blocks whose receipts the other side is known not to serve in this version
	Without []uint64
	// pings
	Count int
	// send
	Code    uint64 // relative to eth, or absolute with Base
	Payload hexutil.Bytes
	Base    bool
	// range
	Earliest   uint64
	Latest     uint64
	LatestHash common.Hash
	// disconnect
	Reason uint64
	// wait, flood: for so long
	Ms int
}

type result = map[string]any

func (s *session) do(c command) (result, error) {
	switch c.Op {
	case "headers":
		return s.headers(c)
	case "bodies":
		return s.bodies(c)
	case "receipts":
		return s.receipts(c)
	case "accessLists":
		return s.accessLists(c)
	case "pull":
		return s.pull(c.Without)
	case "pings":
		return s.pings(c.Count)
	case "hello":
		return nil, s.sendHello()
	case "send":
		code := c.Code
		if !c.Base {
			code += codeBase
		}
		return nil, s.writeRaw(code, c.Payload)
	case "flood":
		return s.flood(c)
	case "range":
		return nil, s.write(codeBase+eth.BlockRangeUpdateMsg, &eth.BlockRangeUpdatePacket{
			EarliestBlock: c.Earliest, LatestBlock: c.Latest, LatestBlockHash: c.LatestHash,
		})
	case "disconnect":
		return nil, s.write(codeDisconnect, []uint64{c.Reason})
	case "wait":
		select {
		case <-s.ended:
			return result{"ended": true}, nil
		case <-time.After(time.Duration(c.Ms) * time.Millisecond):
			return result{"ended": false}, nil
		}
	}
	return nil, fmt.Errorf("unknown command %q", c.Op)
}

// flood sends a message Count times from the background, and says how many the other side has let us write after Ms
// milliseconds. Without a Count it tells of the flood that runs. A write that is cut off would end the session, so none is.
func (s *session) flood(c command) (result, error) {
	if c.Count > 0 {
		go func() {
			for range c.Count {
				if s.writePatiently(codeBase+c.Code, c.Payload) != nil {
					return
				}
				s.flooded.Add(1)
			}
		}()
	}
	select {
	case <-s.ended:
		return nil, errors.New("the session has ended")
	case <-time.After(time.Duration(c.Ms) * time.Millisecond):
		return result{"written": s.flooded.Load()}, nil
	}
}

func (s *session) pings(count int) (result, error) {
	rtts := make([]float64, 0, count)
	for i := 0; i < count; i++ {
		start := time.Now()
		if err := s.writeRaw(codePing, []byte{0xc0}); err != nil {
			return nil, err
		}
		select {
		case <-s.pongs:
			rtts = append(rtts, float64(time.Since(start).Microseconds())/1000)
		case <-s.ended:
			return nil, errors.New("the session has ended")
		case <-time.After(patience):
			return nil, fmt.Errorf("no pong for ping %d", i+1)
		}
	}
	return result{"rttMs": rtts}, nil
}

// request sends a packet and reads the answer with the code that follows the request's.
func (s *session) request(code uint64, packet, answer any) error {
	if err := s.write(codeBase+code, packet); err != nil {
		return err
	}
	want := code + 1
	select {
	case f := <-s.answers:
		if f.code != want {
			return fmt.Errorf("answer has code %#x, want %#x", f.code, want)
		}
		return rlp.DecodeBytes(f.data, answer)
	case <-s.ended:
		return errors.New("the session has ended")
	case <-time.After(patience):
		return errors.New("no answer")
	}
}

func (s *session) id() uint64 {
	s.nextID++
	return s.nextID
}

func checkID(have, want uint64) error {
	if have != want {
		return fmt.Errorf("answer has request id %d, want %d", have, want)
	}
	return nil
}

func (s *session) getHeaders(q eth.GetBlockHeadersRequest) ([]*types.Header, error) {
	id := s.id()
	var answer eth.BlockHeadersPacket
	if err := s.request(eth.GetBlockHeadersMsg, &eth.GetBlockHeadersPacket{RequestId: id, GetBlockHeadersRequest: &q}, &answer); err != nil {
		return nil, err
	}
	if err := checkID(answer.RequestId, id); err != nil {
		return nil, err
	}
	return answer.List.Items()
}

func (s *session) headers(c command) (result, error) {
	q := eth.GetBlockHeadersRequest{Amount: uint64(c.Amount), Skip: uint64(c.Skip), Reverse: c.Reverse}
	var origin number
	if err := json.Unmarshal(c.Origin, &origin); err == nil {
		q.Origin.Number = uint64(origin)
	} else if err := json.Unmarshal(c.Origin, &q.Origin.Hash); err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	headers, err := s.getHeaders(q)
	if err != nil {
		return nil, err
	}
	numbers, hashes := make([]uint64, len(headers)), make([]common.Hash, len(headers))
	for i, h := range headers {
		numbers[i], hashes[i] = h.Number.Uint64(), h.Hash()
	}
	return result{"numbers": numbers, "hashes": hashes}, nil
}

// bodyRoots is what a body is checked by.
type bodyRoots struct {
	Transactions, Uncles common.Hash
	Withdrawals          *common.Hash `json:",omitempty"`
}

func (s *session) getBodies(hashes []common.Hash) ([]bodyRoots, error) {
	id := s.id()
	var answer eth.BlockBodiesPacket
	if err := s.request(eth.GetBlockBodiesMsg, &eth.GetBlockBodiesPacket{RequestId: id, GetBlockBodiesRequest: hashes}, &answer); err != nil {
		return nil, err
	}
	if err := checkID(answer.RequestId, id); err != nil {
		return nil, err
	}
	bodies, err := answer.List.Items()
	if err != nil {
		return nil, err
	}
	roots := make([]bodyRoots, len(bodies))
	for i, body := range bodies {
		txs, err := body.Transactions.Items()
		if err != nil {
			return nil, fmt.Errorf("transactions of body %d: %w", i, err)
		}
		uncles, err := body.Uncles.Items()
		if err != nil {
			return nil, fmt.Errorf("uncles of body %d: %w", i, err)
		}
		roots[i].Transactions = types.DeriveSha(types.Transactions(txs), trie.NewStackTrie(nil))
		roots[i].Uncles = types.CalcUncleHash(uncles)
		if body.Withdrawals != nil {
			withdrawals, err := body.Withdrawals.Items()
			if err != nil {
				return nil, fmt.Errorf("withdrawals of body %d: %w", i, err)
			}
			root := types.DeriveSha(types.Withdrawals(withdrawals), trie.NewStackTrie(nil))
			roots[i].Withdrawals = &root
		}
	}
	return roots, nil
}

func (s *session) bodies(c command) (result, error) {
	roots, err := s.getBodies(c.Hashes)
	return result{"bodies": roots}, err
}

func (s *session) getReceipts(hashes []common.Hash, first uint64) (lists []*eth.ReceiptList, incomplete bool, err error) {
	id := s.id()
	if s.version < eth.ETH70 {
		var answer eth.ReceiptsPacket69
		if err := s.request(eth.GetReceiptsMsg, &eth.GetReceiptsPacket69{RequestId: id, GetReceiptsRequest: hashes}, &answer); err != nil {
			return nil, false, err
		}
		if err := checkID(answer.RequestId, id); err != nil {
			return nil, false, err
		}
		lists, err = answer.List.Items()
		return lists, false, err
	}
	var answer eth.ReceiptsPacket70
	request := eth.GetReceiptsPacket70{RequestId: id, FirstBlockReceiptIndex: first, GetReceiptsRequest: hashes}
	if err := s.request(eth.GetReceiptsMsg, &request, &answer); err != nil {
		return nil, false, err
	}
	if err := checkID(answer.RequestId, id); err != nil {
		return nil, false, err
	}
	lists, err = answer.List.Items()
	return lists, answer.LastBlockIncomplete, err
}

func (s *session) receipts(c command) (result, error) {
	lists, incomplete, err := s.getReceipts(c.Hashes, c.First)
	if err != nil {
		return nil, err
	}
	counts, roots := make([]int, len(lists)), make([]common.Hash, len(lists))
	for i, list := range lists {
		derivable := list.Derivable()
		counts[i], roots[i] = derivable.Len(), types.DeriveSha(derivable, trie.NewStackTrie(nil))
	}
	return result{"counts": counts, "roots": roots, "incomplete": incomplete}, nil
}

// getAccessLists returns the hash of each list, nil where the other side has none.
func (s *session) getAccessLists(hashes []common.Hash) ([]*common.Hash, error) {
	id := s.id()
	var answer eth.BlockAccessListPacket
	request := eth.GetBlockAccessListsPacket{RequestId: id, GetBlockAccessListsRequest: hashes}
	if err := s.request(eth.GetBlockAccessListsMsg, &request, &answer); err != nil {
		return nil, err
	}
	if err := checkID(answer.RequestId, id); err != nil {
		return nil, err
	}
	items, err := answer.List.Items()
	if err != nil {
		return nil, err
	}
	out := make([]*common.Hash, len(items))
	for i, item := range items {
		if len(item) == 1 && item[0] == 0x80 {
			continue
		}
		hash := crypto.Keccak256Hash(item)
		out[i] = &hash
	}
	return out, nil
}

func (s *session) accessLists(c command) (result, error) {
	hashes, err := s.getAccessLists(c.Hashes)
	return result{"lists": hashes}, err
}
