/* Times: the API speaks UTC, people read their own zone. The zone is the browser's until somebody chooses another. */
import { recall, remember } from './keep.ts';

const own = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';

class Zone {
    name = $state(valid(recall('zone', own)) ? recall('zone', own) : own);
    isOwn = $derived(this.name === own);

    choose(name: string): void {
        this.name = name;
        remember('zone', name);
    }

    /** Every zone the browser knows, its own and UTC first. */
    all(): string[] {
        const rest = Intl.supportedValuesOf('timeZone').filter((z) => z !== own && z !== 'UTC');
        return [...new Set([own, 'UTC', ...rest])];
    }
}

function valid(name: string): boolean {
    try {
        new Intl.DateTimeFormat('en-GB', { timeZone: name });
        return true;
    } catch {
        return false;
    }
}

export const zone = new Zone();

export type When = string | number | Date | null | undefined;

function format(when: When, options: Intl.DateTimeFormatOptions): string {
    if (when === null || when === undefined || when === '') return '–';
    const date = when instanceof Date ? when : new Date(when);
    if (Number.isNaN(date.getTime())) return '–';
    return new Intl.DateTimeFormat('en-GB', { timeZone: zone.name, ...options }).format(date);
}

const DAY: Intl.DateTimeFormatOptions = { day: '2-digit', month: 'short', year: 'numeric' };
const MINUTE: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };

/** "21 Nov 2026" */
export const day = (when: When): string => format(when, DAY);
/** "14:32:07" */
export const clock = (when: When): string => format(when, { ...MINUTE, second: '2-digit' });
/** "14:32" */
export const minute = (when: When): string => format(when, MINUTE);
/** "21 Nov 2026, 14:32" */
export const moment = (when: When): string => format(when, { ...DAY, ...MINUTE });
/** "Sun 22 Nov, 09:00" */
export const weekday = (when: When): string => format(when, { weekday: 'short', day: '2-digit', month: 'short', ...MINUTE });
/** The clock time today, the day and time before. */
export function lately(when: When): string {
    return day(when) === day(new Date()) ? clock(when) : moment(when);
}

/** Microseconds from `when` until now; negative when it lies ahead. */
export function ageUs(when: When): number {
    return when ? (Date.now() - new Date(when).getTime()) * 1000 : NaN;
}
