/* Sites on a map: those that are near and alike become one mark, and names do not lie over each other. */
export const STATES = ['critical', 'major', 'minor', 'warning', 'ok'] as const;
export type State = (typeof STATES)[number];

export interface Point {
    readonly x: number;
    readonly y: number;
    readonly state: State;
    readonly name: string;
}

export interface Cluster<P extends Point> {
    readonly x: number;
    readonly y: number;
    readonly state: State;
    readonly points: P[];
}

/* Only sites of the same state join: a cluster never hides that one of it is worse. */
export function clusters<P extends Point>(points: readonly P[], near: number): Cluster<P>[] {
    const out: { x: number; y: number; state: State; points: P[] }[] = [];
    const order = [...points].sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || a.name.localeCompare(b.name));
    for (const p of order) {
        const home = out.find((c) => c.state === p.state && Math.hypot(c.x - p.x, c.y - p.y) < near);
        if (home === undefined) {
            out.push({ x: p.x, y: p.y, state: p.state, points: [p] });
            continue;
        }
        home.points.push(p);
        const n = home.points.length;
        home.x += (p.x - home.x) / n;
        home.y += (p.y - home.y) / n;
    }
    return out;
}

/* Marks of different states at one place step aside, each by the width of a mark. */
export function apart<P extends Point>(list: Cluster<P>[], width: number): Cluster<P>[] {
    const out: Cluster<P>[] = [];
    for (const c of list) {
        let x = c.x;
        while (out.some((o) => Math.hypot(o.x - x, o.y - c.y) < width))
            x += width;
        out.push({ ...c, x });
    }
    return out;
}

export interface Box {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
}

export interface Label extends Box {
    readonly index: number;
    readonly anchor: 'start' | 'middle' | 'end';
    readonly leader: boolean;
}

function hits(a: Box, b: Box): boolean {
    return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

const AROUND = [
    [1, 0], [-1, 0], [0, 1], [0, -1], [1, -1], [-1, -1], [1, 1], [-1, 1]
] as const;

/* For each mark a place of its text beside it, nearest first; a mark without a free place has none. */
export function labels(marks: readonly { x: number; y: number; w: number }[], mark: number, h: number, area: Box): Label[] {
    const taken: Box[] = marks.map((m) => ({ x: m.x - mark, y: m.y - mark, w: 2 * mark, h: 2 * mark }));
    const out: Label[] = [];
    marks.forEach((m, index) => {
        for (const far of [0, 1.2, 2.4]) {
            for (const [dx, dy] of AROUND) {
                const reach = mark + 3 + far * h;
                const x = dx === 0 ? m.x - m.w / 2 : dx > 0 ? m.x + reach : m.x - reach - m.w;
                const y = m.y - h / 2 + dy * (mark + h / 2 + 1 + far * h);
                const box = { x, y, w: m.w, h };
                const inside = x >= area.x && y >= area.y && x + m.w <= area.x + area.w && y + h <= area.y + area.h;
                if (!inside || taken.some((t) => hits(t, box)))
                    continue;
                taken.push(box);
                out.push({ ...box, index, anchor: dx === 0 ? 'middle' : dx > 0 ? 'start' : 'end', leader: far > 0 });
                return;
            }
        }
    });
    return out;
}
