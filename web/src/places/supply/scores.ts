/* Scores: what the page says of the answers of the server. */
import type { Form } from '../../lib/data/client.ts';
import { number } from '../../lib/data/format.ts';

export type Scores = Form<'Scores'>;
export type ScoreItem = Form<'ScoreItem'>;
export type ScoreShown = Form<'ScoreShown'>;
export type ScoreFactor = Form<'ScoreFactor'>;
export type ScoreDraft = Form<'ScoreDraft'>;
export type ScoreDraftLine = Form<'ScoreDraftLine'>;
export type Kind = Scores['kind'];

export const KINDS: readonly { kind: Kind; title: string; one: string }[] = [
    { kind: 'component', title: 'Components', one: 'component' },
    { kind: 'product', title: 'Products', one: 'product' },
    { kind: 'supplier', title: 'Suppliers', one: 'supplier' },
    { kind: 'site', title: 'Sites', one: 'site' }
];
export const STAGES = ['concept', 'design', 'prototype', 'production', 'end_of_life'] as const;

export const words = (name: string): string => name.replaceAll('_', ' ');

export function kindOf(text: string): Kind {
    return KINDS.find((k) => k.kind === text)?.kind ?? 'component';
}

/** 51.12 -> "51.1"; null -> "not known". */
export function scoreText(value: number | null | undefined): string {
    return value === null || value === undefined || !Number.isFinite(value) ? 'not known' : number(value, 1);
}

/** "35.0 to 61.0", or "" where nothing is missing. */
export function rangeText(s: { low: number; high: number; missing: number }): string {
    return s.missing > 0 ? `${number(s.low, 1)} to ${number(s.high, 1)}` : '';
}

/** How much each known factor takes of what is left, so that the parts add up to the base. */
export function steps(factors: readonly ScoreFactor[]): { factor: ScoreFactor; points: number; upTo: number }[] {
    let left = 100;
    return [...factors].sort((a, b) => (b.x ?? -1) * b.weight - (a.x ?? -1) * a.weight).map((factor) => {
        const points = factor.x === null ? 0 : left * factor.weight * factor.x;
        left -= points;
        return { factor, points, upTo: 100 - left };
    });
}

/** The value of an input as text. */
export function inputText(value: number | string | null, note: string | null): string {
    if (typeof value === 'number') return number(value, Math.abs(value) < 10 && !Number.isInteger(value) ? 3 : Number.isInteger(value) ? 0 : 1);
    return value ?? note ?? 'not known';
}

const FLAGS: Readonly<Record<string, string>> = {
    not_in_network: 'not known to the network', proposed: 'proposed', single_site: 'single site', sole_source: 'sole source',
    hub: 'hidden hub', same_hazard: 'same hazard', ends: 'end of life', custody: 'custody class'
};
export const flagText = (flag: string): string => FLAGS[flag] ?? words(flag);

/** The last scores, oldest first, for a small line; fewer than two days say nothing. */
export function trendOf(days: readonly { score: number | null }[]): number[] {
    return days.flatMap((d) => (d.score === null ? [] : [d.score]));
}

const ACTIONS: Readonly<Record<string, string>> = {
    second_source: 'Qualify a second source', stock: 'Hold 14 more days of stock', alternate_site: 'Ready an alternate site', confirm: 'Have the map confirmed'
};
export const changeText = (c: { what: string; title: string }): string => ACTIONS[c.what] ?? `${c.title} at its best`;
