import { describe, expect, it } from 'vitest';
import { assertPatchedNode, RuntimeError } from '../../src/runtime/index.js';

describe('the version of Node', () => {
  it.each(['20.18.3', 'v20.18.99', '18.20.8', '0.12.0', 'v19.9.0', '16.0.0'])(
    'H8, S9: %s is too old',
    (version) => {
      expect(() => assertPatchedNode(version)).toThrow(RuntimeError);
      expect(() => assertPatchedNode(version)).toThrow(/too old.*20\.19\.0/);
    },
  );

  it.each(['20.19.0', 'v20.19.6', '21.7.3', '22.0.0', '22.21.1', '23.11.1', '24.0.2', '24.12.0', '25.2.1'])(
    'H8, S9: %s runs, with a warning that names what it lacks',
    (version) => {
      const warning = assertPatchedNode(version);
      expect(warning).toContain(version.replace('v', ''));
      expect(warning).toContain('CVE-2025-23166');
      expect(warning).toContain('CVE-2025-59466');
      expect(warning).toMatch(/use Node \d+\.\d+\.\d+ or newer$/);
    },
  );

  it.each([
    '20.20.0',
    'v20.20.2',
    '22.22.0',
    '22.100.0',
    '24.13.0',
    '24.13.1-nightly',
    '25.3.0',
    '26.0.0',
    '120.0.0',
  ])('H8, S9: %s is patched', (version) => {
    expect(assertPatchedNode(version)).toBeUndefined();
  });

  it.each(['', '20', '20.19', 'v', 'x20.19.0', '20.19.0.1', '20.19.0 ', '99999.0.0', '20.20.-1'])(
    'refuses %j, which is no version',
    (text) => {
      expect(() => assertPatchedNode(text)).toThrow('not a version of Node');
    },
  );

  it('H8, S9: holds for the Node that runs this test', () => {
    expect(() => assertPatchedNode(process.version)).not.toThrow();
  });
});
