// Command gethpeer runs a real, whole geth on loopback with the given chain in a database in memory. It prints
// JSON lines: first {"event":"ready", ...}, then what geth's P2P layer logs and its peer events, so that a test
// can read why geth accepted or refused somebody. It ends when stdin is closed or on SIGTERM. Everything else
// is done over geth's own IPC.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	ethproto "github.com/ethereum/go-ethereum/eth/protocols/eth"
	"github.com/ethereum/go-ethereum/eth/syncer"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/rpc"

	"rlpxd/test/interop/geth/internal/chainfile"
	"rlpxd/test/interop/geth/internal/chat"
	"rlpxd/test/interop/geth/internal/lines"
)

type options struct {
	genesis, chain, ipc, versions, nodekey string
	blocks, maxPeers                       int
	networkID                              uint64
	messages, verbose, chat, synced        bool
}

func main() {
	var o options
	flag.StringVar(&o.genesis, "genesis", "", "genesis.json")
	flag.StringVar(&o.chain, "chain", "", "concatenated RLP blocks (none: the genesis alone)")
	flag.IntVar(&o.blocks, "blocks", 0, "insert no more than this many blocks (0: all)")
	flag.Uint64Var(&o.networkID, "networkid", 0, "network id (0: the chain id)")
	flag.StringVar(&o.versions, "eth", "69,70,71,72", "eth versions to offer")
	flag.IntVar(&o.maxPeers, "maxpeers", 10, "most peers, dialed and accepted together")
	flag.StringVar(&o.ipc, "ipc", "", "path of the IPC socket")
	flag.StringVar(&o.nodekey, "nodekeyhex", "", "node key (default: a fresh one)")
	flag.BoolVar(&o.messages, "messages", false, "print an event for every eth message, too")
	flag.BoolVar(&o.verbose, "verbose", false, "print everything geth logs")
	flag.BoolVar(&o.synced, "synced", false, "be at the head from the start: transactions of peers are taken")
	flag.BoolVar(&o.chat, "chat", false, "speak chat beside eth; what to say comes on stdin")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "gethpeer:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	log.SetDefault(log.NewLogger(newLogLines(o.verbose)))
	versions, err := parseVersions(o.versions)
	if err != nil {
		return err
	}
	ethproto.ProtocolVersions = versions // read once, when the protocols are made

	genesis, err := chainfile.Genesis(o.genesis)
	if err != nil {
		return err
	}
	config := p2p.Config{
		ListenAddr:      "127.0.0.1:0",
		NoDiscovery:     true,
		MaxPeers:        o.maxPeers,
		DialRatio:       2,
		EnableMsgEvents: o.messages,
	}
	if o.nodekey != "" {
		if config.PrivateKey, err = crypto.HexToECDSA(o.nodekey); err != nil {
			return err
		}
	}
	stack, err := node.New(&node.Config{Name: "geth", Version: "interop", IPCPath: o.ipc, P2P: config})
	if err != nil {
		return err
	}
	defer stack.Close()
	backend, err := eth.New(stack, &ethconfig.Config{
		Genesis:        genesis,
		NetworkId:      o.networkID,
		SyncMode:       ethconfig.FullSync,
		DatabaseCache:  16,
		TrieCleanCache: 16,
		TrieDirtyCache: 16,
		TrieTimeout:    time.Hour,
		SnapshotCache:  16,
	})
	if err != nil {
		return err
	}
	// Filters and subscriptions, as the program geth has them.
	system := filters.NewFilterSystem(backend.APIBackend, filters.Config{})
	stack.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(system)}})
	// Gives the IPC method debug_sync: a full sync to a block without a consensus client.
	if _, err := syncer.Register(stack, backend, syncer.Config{}); err != nil {
		return err
	}
	chain := backend.BlockChain()
	if o.chain != "" {
		blocks, err := chainfile.Blocks(o.chain, o.blocks)
		if err != nil {
			return err
		}
		if n, err := chain.InsertChain(blocks); err != nil {
			return fmt.Errorf("block %d: %w", n+1, err)
		}
	}
	var room chat.Room
	if o.chat {
		stack.RegisterProtocols([]p2p.Protocol{room.Protocol()})
	}
	events := make(chan *p2p.PeerEvent, 1024)
	if err := stack.Start(); err != nil {
		return err
	}
	subscription := stack.Server().SubscribeEvents(events)
	defer subscription.Unsubscribe()

	if o.synced {
		backend.SetSynced()
	}
	head := chain.CurrentBlock()
	lines.Print(map[string]any{
		"event":   "ready",
		"enode":   stack.Server().Self().URLv4(),
		"id":      stack.Server().Self().ID().String(),
		"ipc":     stack.IPCEndpoint(),
		"head":    head.Number.Uint64(),
		"hash":    head.Hash(),
		"genesis": chain.Genesis().Hash(),
	})

	stopped := lines.Stopped(room.Listen)
	for {
		select {
		case e := <-events:
			lines.Print(peerEvent(e))
		case <-stopped:
			return nil
		}
	}
}

func peerEvent(e *p2p.PeerEvent) map[string]any {
	line := map[string]any{"event": "peer." + string(e.Type), "peer": e.Peer.String(), "remote": e.RemoteAddress}
	if e.Error != "" {
		line["error"] = e.Error
	}
	if e.MsgCode != nil {
		line["protocol"], line["code"], line["size"] = e.Protocol, *e.MsgCode, *e.MsgSize
	}
	return line
}

// parseVersions returns the versions with the highest first, as geth wants them.
func parseVersions(list string) ([]uint, error) {
	var versions []uint
	for _, known := range ethproto.ProtocolVersions {
		for _, word := range strings.Split(list, ",") {
			n, err := strconv.ParseUint(strings.TrimSpace(word), 10, 8)
			if err != nil {
				return nil, fmt.Errorf("-eth %s: %w", list, err)
			}
			if uint(n) == known {
				versions = append(versions, known)
			}
		}
	}
	if len(versions) == 0 {
		return nil, fmt.Errorf("-eth %s: geth speaks only %v", list, ethproto.ProtocolVersions)
	}
	return versions, nil
}
