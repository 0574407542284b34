import { chooseCrypto } from '../../src/crypto/index.js';
import { replayJournalFile, verifyJournalFile } from '../../src/node/index.js';
import type { SimulatedFiles } from '../../src/runtime/index.js';

const crypto = chooseCrypto();

/** Names of the journals in a folder. */
export async function journalNames(files: SimulatedFiles, dir: string): Promise<readonly string[]> {
  return (await files.names(dir)).filter((name) => name.endsWith('.jsonl'));
}

/** @returns what is wrong with the journals of a folder: a line each */
export async function journalFaults(
  files: SimulatedFiles,
  dir: string,
  isToBeWhole: (name: string) => boolean = () => true,
): Promise<readonly string[]> {
  const says: string[] = [];
  for (const name of await journalNames(files, dir)) {
    const options = { world: { files }, crypto };
    const check = await verifyJournalFile(`${dir}/${name}`, options);
    const isCut = check.at === check.records;
    if (!check.sound && (isToBeWhole(name) || !isCut)) says.push(`${name}: ${check.says}`);
    const replay = await replayJournalFile(`${dir}/${name}`, options);
    if (!replay.arrived && (check.sound || replay.at !== check.at)) says.push(`${name}: ${replay.says}`);
  }
  return says;
}

export async function bytesOfJournals(files: SimulatedFiles, dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await journalNames(files, dir))
    bytes += (await files.stat(`${dir}/${name}`))?.bytes ?? 0;
  return bytes;
}
