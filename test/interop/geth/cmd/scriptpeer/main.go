// Command scriptpeer is one end of one session, driven by a test: it dials or is dialed, says Hello and Status as
// told, and then carries out commands that come as JSON lines on stdin. RLPx, packet types, hashing and list roots
// are geth's own; what it reads from the other side is judged by them. Everything it sees is printed as JSON lines.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/p2p/enode"

	"rlpxd/test/interop/geth/internal/lines"
)

func main() {
	var s session
	dial := flag.String("dial", "", "enode URL to dial")
	listen := flag.Bool("listen", false, "wait on loopback for one connection; prints the enode URL first")
	key := flag.String("nodekeyhex", "", "node key (default: a fresh one)")
	flag.StringVar(&s.client, "client", "scriptpeer/v1", "client name in our Hello")
	flag.StringVar(&s.versionList, "eth", "69,70,71,72", "eth versions to offer")
	flag.StringVar(&s.statusChange, "status", "{}", "what our Status has other than the one received, as JSON: "+
		"version, networkId, genesis, forkHash, forkNext, earliest, latest, latestHash")
	flag.BoolVar(&s.noStatus, "nostatus", false, "never send a Status")
	flag.StringVar(&s.genesisFile, "genesis", "", "genesis.json of the chain to compare with")
	flag.StringVar(&s.chainFile, "chain", "", "the chain to compare with")
	flag.Parse()
	if err := run(&s, *dial, *listen, *key); err != nil {
		fmt.Fprintln(os.Stderr, "scriptpeer:", err)
		os.Exit(1)
	}
}

func run(s *session, dial string, listen bool, keyHex string) error {
	key, err := crypto.GenerateKey()
	if keyHex != "" {
		key, err = crypto.HexToECDSA(keyHex)
	}
	if err != nil {
		return err
	}
	s.key = key
	if err := s.prepare(); err != nil {
		return err
	}
	go s.readCommands(bufio.NewScanner(os.Stdin))
	var conn net.Conn
	var remote *enode.Node
	if listen {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		address := listener.Addr().(*net.TCPAddr)
		self := enode.NewV4(&key.PublicKey, address.IP, address.Port, 0)
		lines.Print(map[string]any{"event": "listening", "enode": self.URLv4()})
		conn, err = listener.Accept()
		listener.Close()
		if err != nil {
			return err
		}
	} else {
		if remote, err = enode.ParseV4(dial); err != nil {
			return err
		}
		conn, err = net.DialTimeout("tcp", fmt.Sprintf("%s:%d", remote.IPAddr(), remote.TCP()), 5*time.Second)
		if err != nil {
			return err
		}
	}
	defer conn.Close()
	return s.run(conn, remote)
}

// decode reads a JSON object strictly: a misspelt field is an error of the test.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(newReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
