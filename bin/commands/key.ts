import type { Command } from 'commander';
import { createKeyFile, type NodeIdentity, readKeyFile } from '../../src/node/index.js';
import { path } from '../options.js';
import { printJson, printRows } from '../terminal.js';

export function addKeyCommand(program: Command): void {
  const key = program
    .command('key')
    .description('Make or look at a node key: the secret that an enode URL is the public half of.')
    .addHelpText('after', '\nExample:\n  rlpxd key generate ./nodekey && rlpxd key inspect ./nodekey');
  key
    .command('generate')
    .description('Make a key in a new file that only you can read (mode 0600).')
    .argument('<file>', 'where to; it must not exist yet', path)
    .option('--json', 'the public half as one JSON object')
    .addHelpText('after', '\nExample:\n  rlpxd key generate ./nodekey')
    .action(async (file: string, options: { json?: boolean }) => {
      show(file, await createKeyFile(file), options.json);
    });
  key
    .command('inspect')
    .description('Print the public half of a key file. The secret is never printed.')
    .argument('<file>', 'a file of 64 hex digits', path)
    .option('--json', 'as one JSON object')
    .addHelpText('after', '\nExample:\n  rlpxd key inspect ~/.rlpxd/nodekey --json')
    .action(async (file: string, options: { json?: boolean }) => {
      show(file, await readKeyFile(file), options.json);
    });
}

function show(file: string, identity: NodeIdentity, json: boolean | undefined): void {
  if (json === true) {
    printJson({ file, ...identity });
    return;
  }
  printRows([
    ['key file', file],
    ['public key', identity.publicKey],
    ['node id', identity.id],
  ]);
}
