package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/forkid"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/protocols/eth"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/rlpx"
	"github.com/ethereum/go-ethereum/rlp"

	"rlpxd/test/interop/geth/internal/chainfile"
	"rlpxd/test/interop/geth/internal/lines"
)

// Codes of the base protocol, which geth keeps to itself.
const (
	codeHello      = 0
	codeDisconnect = 1
	codePing       = 2
	codePong       = 3
	codeBase       = 16
)

const patience = 10 * time.Second

type hello struct {
	Version    uint64
	Name       string
	Caps       []p2p.Cap
	ListenPort uint64
	ID         []byte
	Rest       []rlp.RawValue `rlp:"tail"`
}

type frame struct {
	code uint64
	data []byte
	err  error
}

type session struct {
	client, versionList, statusChange string
	genesisFile, chainFile            string
	noStatus                          bool

	key      *ecdsa.PrivateKey
	versions []uint
	blocks   []*types.Block // with the genesis block at index 0, if a chain was given

	conn    *rlpx.Conn
	writing sync.Mutex
	version uint
	stage   string

	commands chan command
	answers  chan frame // responses to our requests
	pongs    chan struct{}
	ended    chan struct{} // closed when nothing more can be read
	nextID   uint64
	flooded  atomic.Int64
}

func newReader(text []byte) io.Reader { return bytes.NewReader(text) }

// prepare reads what the flags name.
func (s *session) prepare() error {
	for _, word := range strings.Split(s.versionList, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(word), 10, 8)
		if err != nil {
			return fmt.Errorf("-eth %s: %w", s.versionList, err)
		}
		s.versions = append(s.versions, uint(n))
	}
	if s.chainFile != "" {
		genesis, err := chainfile.Genesis(s.genesisFile)
		if err != nil {
			return err
		}
		blocks, err := chainfile.Blocks(s.chainFile, 0)
		if err != nil {
			return err
		}
		s.blocks = append([]*types.Block{genesis.ToBlock()}, blocks...)
	}
	s.commands = make(chan command)
	s.answers = make(chan frame, 64)
	s.pongs = make(chan struct{}, 64)
	s.ended = make(chan struct{})
	return nil
}

// readCommands hands over the lines of stdin; their end ends the program.
func (s *session) readCommands(input *bufio.Scanner) {
	input.Buffer(nil, 32<<20)
	for input.Scan() {
		var c command
		if err := decode(input.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, "scriptpeer: bad command:", err)
			os.Exit(2)
		}
		s.commands <- c
	}
	close(s.commands)
	time.Sleep(time.Second) // whoever still waits for the other side by now waits in vain
	os.Exit(0)
}

// run performs the handshakes and then the commands.
func (s *session) run(fd net.Conn, remote *enode.Node) error {
	var remoteKey *ecdsa.PublicKey
	if remote != nil {
		remoteKey = remote.Pubkey()
	}
	s.conn = rlpx.NewConn(fd, remoteKey)
	s.stage = "auth"
	s.conn.SetDeadline(time.Now().Add(patience))
	if _, err := s.conn.Handshake(s.key); err != nil {
		return s.end(fmt.Errorf("RLPx handshake: %w", err))
	}
	s.stage = "hello"
	if err := s.sendHello(); err != nil {
		return s.end(err)
	}
	if err := s.readHello(); err != nil {
		return s.end(err)
	}
	s.conn.SetDeadline(time.Time{})
	if s.version == 0 {
		lines.Print(map[string]any{"event": "useless"})
	}
	s.stage = "status"
	ready := make(chan error, 1)
	go s.read(ready)
	select {
	case err := <-ready:
		if err == nil {
			s.stage = "open"
			lines.Print(map[string]any{"event": "status.sent"})
		}
	case <-s.ended:
	}
	for c := range s.commands {
		result, err := s.do(c)
		line := map[string]any{"event": "result", "op": c.Op}
		if err != nil {
			line["error"] = err.Error()
		}
		for name, value := range result {
			line[name] = value
		}
		lines.Print(line)
	}
	return nil
}

// end reports that the session could not begin; the commands are still read to their end.
func (s *session) end(err error) error {
	lines.Print(map[string]any{"event": "ended", "stage": s.stage, "error": err.Error()})
	close(s.ended)
	for c := range s.commands {
		lines.Print(map[string]any{"event": "result", "op": c.Op, "error": "the session has ended"})
	}
	return nil
}

func (s *session) sendHello() error {
	ours := hello{Version: 5, Name: s.client, ID: crypto.FromECDSAPub(&s.key.PublicKey)[1:]}
	for _, v := range s.versions {
		ours.Caps = append(ours.Caps, p2p.Cap{Name: "eth", Version: v})
	}
	return s.write(codeHello, ours)
}

func (s *session) readHello() error {
	code, data, _, err := s.conn.Read()
	if err != nil {
		return err
	}
	if code == codeDisconnect {
		reportDisconnect(s.stage, data)
		return errors.New("disconnected")
	}
	if code != codeHello {
		return fmt.Errorf("message %#x instead of Hello", code)
	}
	var theirs hello
	if err := rlp.DecodeBytes(data, &theirs); err != nil {
		return fmt.Errorf("Hello: %w", err)
	}
	caps := make([]string, len(theirs.Caps))
	for i, c := range theirs.Caps {
		caps[i] = c.String()
		for _, v := range s.versions {
			if c.Name == "eth" && c.Version == v && v > s.version {
				s.version = v
			}
		}
	}
	lines.Print(map[string]any{
		"event": "hello", "p2pVersion": theirs.Version, "client": theirs.Name, "capabilities": caps,
		"listenPort": theirs.ListenPort, "publicKey": common.Bytes2Hex(theirs.ID), "extra": len(theirs.Rest), "eth": s.version,
	})
	s.conn.SetSnappy(theirs.Version >= 5)
	return nil
}

// read sorts what comes in until the connection ends.
func (s *session) read(ready chan<- error) {
	defer close(s.ended)
	for {
		code, data, _, err := s.conn.Read()
		if err != nil {
			lines.Print(map[string]any{"event": "ended", "stage": s.stage, "error": err.Error()})
			return
		}
		data = bytes.Clone(data)
		switch {
		case code == codeDisconnect:
			reportDisconnect(s.stage, data)
			lines.Print(map[string]any{"event": "ended", "stage": s.stage, "error": "disconnected"})
			return
		case code == codePing:
			s.writeRaw(codePong, []byte{0xc0})
		case code == codePong:
			s.pongs <- struct{}{}
		case code < codeBase:
			lines.Print(map[string]any{"event": "base", "code": code})
		case code == codeBase+eth.StatusMsg && s.stage == "status":
			ready <- s.status(data)
		default:
			s.message(code-codeBase, data)
		}
	}
}

func (s *session) message(code uint64, data []byte) {
	switch code {
	case eth.BlockHeadersMsg, eth.BlockBodiesMsg, eth.ReceiptsMsg, eth.BlockAccessListsMsg, eth.PooledTransactionsMsg, eth.CellsMsg:
		select {
		case s.answers <- frame{code: code, data: data}:
		default:
			lines.Print(map[string]any{"event": "unexpected", "code": code})
		}
	case eth.BlockRangeUpdateMsg:
		var p eth.BlockRangeUpdatePacket
		if err := rlp.DecodeBytes(data, &p); err != nil {
			lines.Print(map[string]any{"event": "range", "error": err.Error()})
			return
		}
		lines.Print(map[string]any{"event": "range", "earliest": p.EarliestBlock, "latest": p.LatestBlock, "latestHash": p.LatestBlockHash})
	default:
		lines.Print(map[string]any{"event": "message", "code": code, "size": len(data)})
	}
}

// statusChanges are the fields of our Status that a test sets.
type statusChanges struct {
	Version    *uint32
	NetworkID  *uint64
	Genesis    *common.Hash
	ForkHash   *hexutil.Bytes
	ForkNext   *uint64
	Earliest   *uint64
	Latest     *uint64
	LatestHash *common.Hash
}

// status reads the other side's Status and answers with ours: the same one, but for the changes asked for.
func (s *session) status(data []byte) error {
	var theirs eth.StatusPacket
	if err := rlp.DecodeBytes(data, &theirs); err != nil {
		lines.Print(map[string]any{"event": "status", "error": err.Error()})
		return err
	}
	lines.Print(map[string]any{
		"event": "status", "version": theirs.ProtocolVersion, "networkId": theirs.NetworkID, "genesis": theirs.Genesis,
		"forkHash": common.Bytes2Hex(theirs.ForkID.Hash[:]), "forkNext": theirs.ForkID.Next,
		"earliest": theirs.EarliestBlock, "latest": theirs.LatestBlock, "latestHash": theirs.LatestBlockHash,
	})
	if s.noStatus {
		return errors.New("no Status was to be sent")
	}
	var change statusChanges
	if err := decode([]byte(s.statusChange), &change); err != nil {
		return err
	}
	ours := theirs
	set(&ours.ProtocolVersion, change.Version)
	set(&ours.NetworkID, change.NetworkID)
	set(&ours.Genesis, change.Genesis)
	set(&ours.ForkID.Next, change.ForkNext)
	set(&ours.EarliestBlock, change.Earliest)
	set(&ours.LatestBlock, change.Latest)
	set(&ours.LatestBlockHash, change.LatestHash)
	if change.ForkHash != nil {
		ours.ForkID = forkid.ID{Hash: [4]byte(*change.ForkHash), Next: ours.ForkID.Next}
	}
	return s.write(codeBase+eth.StatusMsg, &ours)
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (s *session) write(code uint64, packet any) error {
	data, err := rlp.EncodeToBytes(packet)
	if err != nil {
		return err
	}
	return s.writeRaw(code, data)
}

// writePatiently waits for the other side for as long as it takes.
func (s *session) writePatiently(code uint64, data []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.conn.SetWriteDeadline(time.Time{})
	_, err := s.conn.Write(code, data)
	return err
}

func (s *session) writeRaw(code uint64, data []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.conn.SetWriteDeadline(time.Now().Add(patience))
	_, err := s.conn.Write(code, data)
	return err
}

// reportDisconnect reads a Disconnect in the form geth sends, `[reason]`, and in the bare form.
func reportDisconnect(stage string, data []byte) {
	form := "list"
	var list []uint64
	var reason uint64
	if err := rlp.DecodeBytes(data, &list); err == nil && len(list) == 1 {
		reason = list[0]
	} else if err := rlp.DecodeBytes(data, &reason); err == nil {
		form = "bare"
	} else {
		form, reason = "unreadable", p2p.DiscInvalid
	}
	lines.Print(map[string]any{
		"event": "disconnect", "stage": stage, "reason": reason, "name": p2p.DiscReason(reason).String(), "form": form,
	})
}

// number is a JSON number or a string with a decimal or 0x number of up to 64 bits.
type number uint64

func (n *number) UnmarshalJSON(text []byte) error {
	word := strings.Trim(string(text), `"`)
	v, err := strconv.ParseUint(word, 0, 64)
	*n = number(v)
	return err
}

var _ json.Unmarshaler = (*number)(nil)
