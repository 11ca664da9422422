import { test } from 'node:test';
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Stream } from './sse.ts';

test('a stream comes back behind its last event and ends when the server says so', async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
        asked.push(request.headers['last-event-id'] as string | undefined);
        response.writeHead(200, { 'Content-Type': 'text/event-stream' });
        response.end(asked.length === 1
            ? 'id: 7\nevent: row\ndata: {"n":1}\n\n'
            : 'event: row\ndata: {"n":2}\n\nevent: end\ndata: {"reason":"the grant ended","again":false}\n\n');
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.on('listening', done));
    const rows: string[] = [];
    const why = await new Promise<string>((done) => {
        new Stream(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, '', {
            event: (e) => rows.push(e.data),
            state: (state, text) => { if (state === 'refused') done(text); }
        });
    });
    server.close();
    assert.deepEqual(asked, [undefined, '7']);
    assert.deepEqual(rows, ['{"n":1}', '{"n":2}']);
    assert.equal(why, 'the grant ended');
});

test('a refusal is final and says why', async () => {
    const server = createServer((_request, response) => {
        response.writeHead(403, { 'Content-Type': 'application/problem+json' });
        response.end('{"detail":"names are hidden"}');
    }).listen(0, '127.0.0.1');
    await new Promise((done) => server.on('listening', done));
    const why = await new Promise<string>((done) => {
        new Stream(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, '', { event: () => {}, state: (s, text) => { if (s === 'refused') done(text); } });
    });
    server.close();
    assert.equal(why, 'names are hidden');
});
