// Command demochain writes the demonstration chain into a folder, or one that branches off it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"rlpxd/test/interop/geth/internal/demo"
)

func main() {
	out := flag.String("out", "", "folder to write to")
	fork := flag.Int("fork", demo.Blocks, "the last block of the demonstration chain; others follow")
	blocks := flag.Int("blocks", demo.Blocks, "how many blocks in all")
	flag.Parse()
	if *out == "" {
		fmt.Fprintln(os.Stderr, "demochain: -out FOLDER is missing")
		os.Exit(2)
	}
	if err := run(*out, *fork, *blocks); err != nil {
		fmt.Fprintln(os.Stderr, "demochain:", err)
		os.Exit(1)
	}
}

func run(out string, fork, blocks int) error {
	chain := demo.GenerateBranch(fork, blocks)
	files, err := chain.Files()
	if err != nil {
		return err
	}
	total := 0
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
		total += len(content)
	}
	head := chain.Blocks[len(chain.Blocks)-1]
	fmt.Printf("%d blocks, %d bytes, head %s\n", len(chain.Blocks), total, head.Hash())
	return nil
}
