/* What people type into a field that wants a number. */
import { Problem } from './problem.ts';

/** "12", "3,5" -> a number; "" -> undefined; anything else is refused in the name of the field, before it is sent. */
export function typedNumber(text: string, field: string): number | undefined {
    const t = text.trim().replace(',', '.');
    if (t === '')
        return undefined;
    if (!/^-?\d+(\.\d+)?$/.test(t))
        throw new Problem(400, { field, detail: `“${text.trim()}” is not a number; write it such as 12 or 3.5` });
    return Number(t);
}
