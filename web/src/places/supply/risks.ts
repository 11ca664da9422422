/* Risks: words and small arithmetic that the pages of events share. */
import type { Form } from '../../lib/data/client.ts';
import { count, number } from '../../lib/data/format.ts';
import type { Footprint } from '../../lib/viz/footprint.ts';

export type Risk = Form<'Risk'>;
export type RiskShown = Form<'RiskShown'>;
export type Hit = Form<'RiskHit'>;

export const SEVERITIES = ['critical', 'major', 'minor', 'warning'] as const;
export type Level = (typeof SEVERITIES)[number] | 'ok';

/** CAP's words and ours, to the four of the screen. */
export function level(severity: string | null | undefined): Level {
    const words: Readonly<Record<string, Level>> = {
        extreme: 'critical', critical: 'critical', severe: 'major', major: 'major', moderate: 'minor', minor: 'warning', warning: 'warning'
    };
    return words[(severity ?? '').toLowerCase()] ?? 'minor';
}

export const levelText = (severity: string | null | undefined): string => {
    const l = level(severity);
    return l.charAt(0).toUpperCase() + l.slice(1);
};

/* Two names of products stand on one line up to so many letters together. */
const NAMES_LONG = 36;

/** "8 sites · 68 parts, 20 sole-source → Heron 400, Tern 60 and 6 more" in its two halves. */
export function touches(r: Pick<Risk, 'sites' | 'parts' | 'sole_parts' | 'products' | 'product_count'>): { sites: string; rest: string } {
    const names = r.products.map((p) => p.name || p.id);
    const named = names.slice(0, (names[0] ?? '').length + (names[1] ?? '').length <= NAMES_LONG ? 2 : 1);
    const more = r.product_count - named.length;
    const products = named.length === 0 ? 'no product' : `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    return { sites: count(r.sites, 'site'), rest: `${count(r.parts, 'part')}${r.sole_parts > 0 ? `, ${number(r.sole_parts)} sole-source` : ''} → ${products}` };
}

/** What was measured at a site, with its scatter. */
export function measured(h: Hit): string {
    if (h.value === null || h.value === undefined) return '–';
    const scatter = h.sigma ? ` ± ${number(h.sigma, 1)}` : '';
    if (h.measure === 'mmi') return `${number(h.value, 1)}${scatter}`;
    if (h.measure === 'wind_ms') return `${number(h.value)}${scatter ? ` ± ${number(h.sigma!)}` : ''} m/s`;
    return h.value >= 0.995 ? 'inside' : `${number(h.value * 100)} % inside`;
}

export const MEASURES: Readonly<Record<string, string>> = { mmi: 'MMI', wind_ms: 'Wind', inside: 'Area' };

export function footprintOf(r: Pick<RiskShown, 'footprint'> | undefined): Footprint | null {
    const f = r?.footprint as unknown as Footprint | undefined;
    return f && Array.isArray(f.features) ? f : null;
}

/** Why somebody looks away from an event for a while. */
export const MUTE_REASONS = ['Plan agreed with supplier', 'Stock covers it', 'Site makes nothing for us', 'Watched by a colleague', 'Known, nothing to do now'];

/** Who tells of an event: a feed by its name, or a person. */
export function teller(source: string | null | undefined, feeds: ReadonlyMap<string, string> = new Map()): string {
    if (!source) return 'typed';
    if (source.startsWith('uid:')) return 'typed on the server';
    return source.includes('@') ? `typed by ${source}` : feeds.get(source) || source;
}

/** How long ago, as one says it: "just now", "12 min ago", "9 h ago", "3 days ago"; "" for what is to come. */
export function ago(us: number): string {
    const min = us / 60e6;
    if (!Number.isFinite(min) || min < 0) return '';
    return min < 1 ? 'just now' : min < 60 ? `${Math.floor(min)} min ago` : min < 48 * 60 ? `${Math.floor(min / 60)} h ago` : `${Math.floor(min / 1440)} days ago`;
}
