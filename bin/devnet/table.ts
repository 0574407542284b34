import { bytesText } from '../text.js';
import type { NodeView } from './view.js';

const COLUMNS = ['node', 'peers', 'eth', 'height', 'in', 'out', 'state'] as const;
const RIGHT: ReadonlySet<string> = new Set(['peers', 'height', 'in', 'out']);

/** The nodes as lines of a table, heads first. */
export function tableLines(views: readonly NodeView[]): string[] {
  const rows = [[...COLUMNS] as string[], ...views.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    COLUMNS.map((name, column) => {
      const [cell, width] = [row[column] ?? '', widths[column] ?? 0];
      return RIGHT.has(name) ? cell.padStart(width) : cell.padEnd(width);
    })
      .join('  ')
      .trimEnd(),
  );
}

function cells(view: NodeView): string[] {
  const versions = [...new Set(view.sessions.values())].sort((a, b) => a - b);
  return [
    view.name,
    String(view.sessions.size),
    versions.join(',') || '-',
    String(view.head),
    bytesText(view.bytesIn),
    bytesText(view.bytesOut),
    view.state,
  ];
}
