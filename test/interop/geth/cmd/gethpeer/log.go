package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/ethereum/go-ethereum/log"

	"rlpxd/test/interop/geth/internal/lines"
)

// told are the messages in which geth says what became of a connection. Most of them are below the level that
// anybody sees otherwise, and a refusal before a peer is added makes no peer event.
var told = map[string]bool{
	"Rejected inbound connection":           true,
	"Setting up connection failed":          true,
	"Failed RLPx handshake":                 true,
	"Failed p2p handshake":                  true,
	"Wrong devp2p handshake identity":       true,
	"Rejected peer":                         true,
	"Dial error":                            true,
	"Adding p2p peer":                       true,
	"Removing p2p peer":                     true,
	"Ethereum handshake failed":             true,
	"Ethereum peer connected":               true,
	"Message handling failed in `eth`":      true,
	"Synchronisation failed, dropping peer": true,
}

// logLines turns geth's log into JSON lines.
type logLines struct {
	attrs   []slog.Attr
	verbose bool
}

func newLogLines(verbose bool) *logLines { return &logLines{verbose: verbose} }

func (h *logLines) Enabled(context.Context, slog.Level) bool { return true }

func (h *logLines) WithGroup(string) slog.Handler { return h }

func (h *logLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logLines{attrs: append(append([]slog.Attr{}, h.attrs...), attrs...), verbose: h.verbose}
}

func (h *logLines) Handle(_ context.Context, r slog.Record) error {
	protocolFailed := strings.HasPrefix(r.Message, "Protocol ") && strings.HasSuffix(r.Message, " failed")
	if !h.verbose && !told[r.Message] && !protocolFailed && r.Level < log.LevelError {
		return nil
	}
	line := map[string]any{"event": "log", "level": log.LevelString(r.Level), "message": r.Message}
	put := func(a slog.Attr) bool {
		line[a.Key] = fmt.Sprint(a.Value.Any())
		return true
	}
	for _, a := range h.attrs {
		put(a)
	}
	r.Attrs(put)
	lines.Print(line)
	return nil
}
