import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRequest, signatureValue } from './csr.ts';
import { integer, node, oid } from './der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('integers are the shortest form that is not negative', () => {
    assert.equal(hex(integer(Uint8Array.of(0))), '020100');
    assert.equal(hex(integer(Uint8Array.of(0, 0, 5))), '020105');
    assert.equal(hex(integer(Uint8Array.of(0x80))), '02020080');
});

test('an object identifier with large parts', () => {
    assert.equal(hex(oid('1.2.840.10045.4.3.2')), '06082a8648ce3d040302');
});

test('lengths of one, two and three bytes', () => {
    assert.equal(hex(node(4, new Uint8Array(127))).slice(0, 4), '047f');
    assert.equal(hex(node(4, new Uint8Array(128))).slice(0, 6), '048180');
    assert.equal(hex(node(4, new Uint8Array(256))).slice(0, 8), '04820100');
    assert.throws(() => node(4, new Uint8Array(65536)), RangeError);
});

test('both halves of a signature', () => {
    const raw = new Uint8Array(64);
    raw[31] = 7;
    raw[32] = 0xff;
    assert.equal(hex(signatureValue(raw)).slice(0, 10), '3026020107');
});

test('OpenSSL reads the request, its signature holds, and the key belongs to it', async () => {
    const { keyPem, csrPem } = await makeRequest('br-0421', 'acmé');
    const folder = mkdtempSync(join(tmpdir(), 'csr'));
    try {
        writeFileSync(join(folder, 'csr.pem'), csrPem);
        writeFileSync(join(folder, 'key.pem'), keyPem, { mode: 0o600 });
        const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
        assert.match(run('req', '-in', 'csr.pem', '-verify', '-noout', '-subject', '-nameopt', 'utf8'), /O ?= ?acmé.*CN ?= ?br-0421/s);
        assert.equal(run('req', '-in', 'csr.pem', '-pubkey', '-noout'), run('pkey', '-in', 'key.pem', '-pubout'));
    } finally {
        rmSync(folder, { recursive: true });
    }
});
