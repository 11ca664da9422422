/* A layered graph in columns: who stands where, so that few lines cross, and how the lines run. */
export interface Node {
    id: string;
    column: number;
}
export interface Link {
    from: string;
    to: string;
    value: number;
}
export interface Placed {
    id: string;
    x: number;
    y: number;
    height: number;
}
export interface Line {
    from: string;
    to: string;
    d: string;
    width: number;
}

export interface Box {
    width: number;
    /** of one node's box */
    node: number;
    /** of a row, and between columns' heads and the first row */
    row: number;
    top: number;
}

const ROUNDS = 8;

/* Each column in turn takes the order of the middle of its neighbours, to and fro; equal ones stay as they were. */
function order(columns: string[][], links: readonly Link[]): void {
    const near = new Map<string, string[]>();
    for (const l of links) {
        near.set(l.from, [...(near.get(l.from) ?? []), l.to]);
        near.set(l.to, [...(near.get(l.to) ?? []), l.from]);
    }
    const place = new Map<string, number>();
    const note = (ids: string[]): void => ids.forEach((id, i) => place.set(id, (i + 0.5) / ids.length));
    columns.forEach(note);
    for (let round = 0; round < ROUNDS; round++) {
        const turn = round % 2 === 0 ? columns : [...columns].reverse();
        for (const ids of turn) {
            const want = new Map(ids.map((id) => {
                const at = (near.get(id) ?? []).filter((n) => !ids.includes(n)).map((n) => place.get(n)!);
                return [id, at.length > 0 ? at.reduce((a, b) => a + b, 0) / at.length : place.get(id)!];
            }));
            ids.sort((a, b) => want.get(a)! - want.get(b)!);
            note(ids);
        }
    }
}

/** Boxes of equal height, each column spread over the height of the longest one. */
export function layout(nodes: readonly Node[], links: readonly Link[], box: Box): { nodes: Map<string, Placed>; lines: Line[]; height: number } {
    const count = Math.max(0, ...nodes.map((n) => n.column)) + 1;
    const columns: string[][] = Array.from({ length: count }, (_, i) => nodes.filter((n) => n.column === i).map((n) => n.id));
    const known = new Set(nodes.map((n) => n.id));
    const used = links.filter((l) => known.has(l.from) && known.has(l.to));
    order(columns, used);
    const longest = Math.max(1, ...columns.map((c) => c.length));
    const height = box.top + longest * box.row;
    const placed = new Map<string, Placed>();
    columns.forEach((ids, column) => {
        const step = (longest * box.row) / Math.max(1, ids.length);
        ids.forEach((id, i) => placed.set(id, {
            id, x: count > 1 ? (column * (box.width - box.node)) / (count - 1) : 0,
            y: box.top + step * (i + 0.5) - (box.row - 3) / 2, height: box.row - 3
        }));
    });
    const most = Math.max(1e-12, ...used.map((l) => l.value));
    return { nodes: placed, height, lines: used.map((l) => curve(placed.get(l.from)!, placed.get(l.to)!, l, box.node, most)) };
}

function curve(a: Placed, b: Placed, l: Link, node: number, most: number): Line {
    const x0 = a.x + node, x1 = b.x;
    const y0 = a.y + a.height / 2, y1 = b.y + b.height / 2;
    const mid = (x0 + x1) / 2;
    return { from: l.from, to: l.to, width: 0.8 + 4.2 * Math.sqrt(Math.max(0, l.value) / most), d: `M${x0.toFixed(1)} ${y0.toFixed(1)}C${mid.toFixed(1)} ${y0.toFixed(1)} ${mid.toFixed(1)} ${y1.toFixed(1)} ${x1.toFixed(1)} ${y1.toFixed(1)}` };
}

/** Everything that is reached from `id`, both ways, without turning round: what it needs and what needs it. */
export function trace(id: string, links: readonly Link[]): Set<string> {
    const seen = new Set([id]);
    const walk = (from: (l: Link) => string, to: (l: Link) => string): void => {
        const todo = [id];
        for (let at = todo.pop(); at !== undefined; at = todo.pop())
            for (const l of links)
                if (from(l) === at && !seen.has(to(l))) {
                    seen.add(to(l));
                    todo.push(to(l));
                }
    };
    walk((l) => l.from, (l) => l.to);
    walk((l) => l.to, (l) => l.from);
    return seen;
}
