import type { Command } from 'commander';
import { chooseCrypto, clientName, ETH_VERSIONS, RLPXD_VERSION } from '../../src/index.js';
import { print, printJson } from '../terminal.js';

export function addVersionCommand(program: Command): void {
  program
    .command('version')
    .description('Print the version.')
    .option('--json', 'more, as one JSON object')
    .addHelpText('after', '\nExample:\n  rlpxd version --json')
    .action((options: { json?: boolean }) => {
      const { versions, platform, arch } = process;
      if (options.json !== true) {
        print(`rlpxd ${RLPXD_VERSION}`);
        return;
      }
      const { name, parts, lost } = chooseCrypto();
      const facts = {
        version: RLPXD_VERSION,
        client: clientName(),
        eth: ETH_VERSIONS,
        node: versions.node,
        platform,
        arch,
        crypto: { name, parts, lost },
      };
      printJson(facts);
    });
}
