import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RuntimeError } from '../../src/runtime/index.js';
import { rejection, TWINS, type Twin } from '../support/runtime-worlds.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe.each(TWINS)('files, $name', (kind) => {
  let twin: Twin;
  let path: string;
  beforeEach(async () => {
    twin = await kind.open();
    path = `${twin.folder}/file`;
  });
  afterEach(() => twin.dispose());

  it('reads what was written, as plain bytes that nobody else holds', async () => {
    const { files } = twin.world;
    await files.writeWhole(path, bytes(1, 2, 3));
    const read = await files.read(path);
    expect(read).toEqual(bytes(1, 2, 3));
    expect(Object.getPrototypeOf(read)).toBe(Uint8Array.prototype);
    read[0] = 9;
    expect(await files.read(path)).toEqual(bytes(1, 2, 3));
  });

  it('says what is there and what is not', async () => {
    const { files } = twin.world;
    await files.writeWhole(path, bytes(1, 2, 3));
    expect(await files.stat(path)).toEqual({ bytes: 3, mode: 0o644, directory: false });
    expect((await files.stat(twin.folder))?.directory).toBe(true);
    expect(await files.stat(`${twin.folder}/missing`)).toBeUndefined();
    expect(await files.stat(`${twin.folder}/missing/deeper`)).toBeUndefined();
    expect(await files.stat(`${path}/below-a-file`)).toBeUndefined();
  });

  it('gives exactly the mode that was asked for, whatever the umask', async () => {
    const { files } = twin.world;
    const before = process.umask(0o077);
    try {
      await files.writeWhole(path, bytes(1), 0o664);
      expect((await files.stat(path))?.mode).toBe(0o664);
      await files.writeWhole(path, bytes(2), 0o600);
      expect((await files.stat(path))?.mode).toBe(0o600);
      await files.createNew(`${path}2`, bytes(1), 0o640);
      expect((await files.stat(`${path}2`))?.mode).toBe(0o640);
      await files.makeDirectory(`${twin.folder}/private`, 0o750);
      expect((await files.stat(`${twin.folder}/private`))?.mode).toBe(0o750);
    } finally {
      process.umask(before);
    }
  });

  it('replaces a file whole', async () => {
    const { files } = twin.world;
    await files.writeWhole(path, bytes(1, 2, 3));
    await files.writeWhole(path, bytes(4));
    expect(await files.read(path)).toEqual(bytes(4));
    await files.remove(path);
    expect(await files.stat(path)).toBeUndefined();
  });

  it('creates a file only where none is, and never touches the one that is', async () => {
    const { files } = twin.world;
    await files.createNew(path, bytes(1), 0o600);
    expect(await rejection(files.createNew(path, bytes(2), 0o600))).toMatchObject({
      code: 'ERR_RUNTIME_FILE',
      detail: 'EEXIST',
    });
    expect(await files.read(path)).toEqual(bytes(1));
  });

  it('lets one of many creators win', async () => {
    const { files } = twin.world;
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => files.createNew(path, bytes(i), 0o600)),
    );
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    expect(await files.read(path)).toEqual(
      bytes(results.findIndex((result) => result.status === 'fulfilled')),
    );
  });

  it('writes through a writer, in the place of what was there', async () => {
    const { files } = twin.world;
    await files.writeWhole(path, bytes(9, 9, 9, 9, 9, 9));
    const writer = await files.openWriter(path);
    await writer.write(bytes(1, 2));
    await writer.write(bytes());
    await writer.write(bytes(3));
    expect(await files.read(path)).toEqual(bytes(9, 9, 9, 9, 9, 9)); // until it is whole
    await writer.close();
    await writer.close();
    expect(await files.read(path)).toEqual(bytes(1, 2, 3));
    expect(await rejection(writer.write(bytes(4)))).toBeInstanceOf(RuntimeError);
  });

  it('leaves what was there when a writer is let go', async () => {
    const { files } = twin.world;
    await files.writeWhole(path, bytes(9));
    const writer = await files.openWriter(path);
    await writer.write(bytes(1, 2));
    await writer.discard();
    await writer.discard();
    await writer.close();
    expect(await files.read(path)).toEqual(bytes(9));
    const other = await files.openWriter(`${path}-new`);
    await other.write(bytes(1));
    await other.discard();
    expect(await files.stat(`${path}-new`)).toBeUndefined();
    const whole = await files.openWriter(path);
    await whole.write(bytes(3));
    await whole.close();
    await whole.discard();
    expect(await files.read(path)).toEqual(bytes(3));
  });

  it('reads in pieces of at most the size asked for', async () => {
    const { files } = twin.world;
    await files.writeWhole(
      path,
      Uint8Array.from({ length: 10 }, (_, i) => i),
    );
    const pieces: number[][] = [];
    for await (const piece of files.readChunks(path, 4)) pieces.push([...piece]);
    expect(pieces).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9],
    ]);
    await files.writeWhole(path, bytes());
    for await (const piece of files.readChunks(path, 4)) expect(piece).toBe('nothing');
    for await (const _piece of files.readChunks(path, 4)) break;
    expect(await rejection(files.readChunks(path, 0)[Symbol.asyncIterator]().next())).toBeInstanceOf(
      RangeError,
    );
  });

  it('adds to the end of a file: a new one must not be there, an old one must', async () => {
    const { files } = twin.world;
    await files.append(path, bytes(1, 2), 0o600);
    await files.append(path, bytes());
    for (let i = 3; i < 40; i++) await files.append(path, bytes(i));
    expect([...(await files.read(path))]).toEqual(Array.from({ length: 39 }, (_, i) => i + 1));
    expect((await files.stat(path))?.mode).toBe(0o600);
    expect(await rejection(files.append(path, bytes(9), 0o600))).toMatchObject({ detail: 'EEXIST' });
    await files.remove(path);
    expect(await rejection(files.append(path, bytes(9)))).toMatchObject({ detail: 'ENOENT' });
    expect(await files.stat(path)).toBeUndefined();
  });

  it('names what is in a folder, and not what is deeper', async () => {
    const { files } = twin.world;
    await files.makeDirectory(`${twin.folder}/b/c`);
    await files.writeWhole(`${twin.folder}/b/d`, bytes(1));
    await files.writeWhole(path, bytes(1));
    expect(await files.names(twin.folder)).toEqual(['b', 'file']);
    expect(await files.names(`${twin.folder}/b`)).toEqual(['c', 'd']);
    expect(await files.names(`${twin.folder}/b/c`)).toEqual([]);
  });

  it('names what is wrong with a path', async () => {
    const { files } = twin.world;
    await files.writeWhole(path, bytes(1));
    const missing = `${twin.folder}/no/such`;
    const cases: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => files.read(missing), 'ENOENT'],
      [() => files.readChunks(missing, 8)[Symbol.asyncIterator]().next(), 'ENOENT'],
      [() => files.writeWhole(missing, bytes(1)), 'ENOENT'],
      [() => files.createNew(missing, bytes(1), 0o600), 'ENOENT'],
      [() => files.openWriter(missing), 'ENOENT'],
      [() => files.append(missing, bytes(1), 0o600), 'ENOENT'],
      [() => files.append(twin.folder, bytes(1)), 'EISDIR'],
      [() => files.names(missing), 'ENOENT'],
      [() => files.names(path), 'ENOTDIR'],
      [() => files.read(twin.folder), 'EISDIR'],
      [() => files.openWriter(twin.folder), 'EISDIR'],
      [() => files.makeDirectory(`${path}/below`), 'ENOTDIR'],
      [() => files.makeDirectory(path), 'EEXIST'],
    ];
    for (const [attempt, detail] of cases) {
      const error = await rejection(attempt());
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ code: 'ERR_RUNTIME_FILE', detail });
    }
  });

  it('makes folders deep, twice, and removes them with all in them', async () => {
    const { files } = twin.world;
    const deep = `${twin.folder}/a/b/c`;
    await files.makeDirectory(deep);
    await files.makeDirectory(deep);
    await files.writeWhole(`${deep}/file`, bytes(1));
    await files.remove(`${twin.folder}/a`);
    expect(await files.stat(`${deep}/file`)).toBeUndefined();
    expect(await files.stat(`${twin.folder}/a`)).toBeUndefined();
    await files.remove(`${twin.folder}/a`);
    expect((await files.stat(twin.folder))?.directory).toBe(true);
  });
});
