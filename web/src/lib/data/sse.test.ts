import { test } from 'node:test';
import assert from 'node:assert/strict';
import { EventParser } from './sse.ts';

const text = 'id: 1\nevent: row\ndata: {"a":1}\n\n: heartbeat\n\nid:2\r\ndata: x\r\ndata: y\r\n\r\nevent: end\ndata: {}\n\n';

test('events, in whole and byte by byte', () => {
    const want = [
        { type: 'row', id: '1', data: '{"a":1}' },
        { type: 'message', id: '2', data: 'x\ny' },
        { type: 'end', id: '2', data: '{}' }
    ];
    assert.deepEqual(new EventParser().push(text), want);
    const slow = new EventParser();
    assert.deepEqual([...text].flatMap((c) => slow.push(c)), want);
});

test('a line without an end is refused', () => {
    const parser = new EventParser();
    assert.throws(() => parser.push('x'.repeat((1 << 20) + 1)), /1 MiB/);
});
