// SPDX-License-Identifier: Apache-2.0
// tuf-js as a process of its own: one JSON request a line on standard input, one JSON answer a line on standard output.
// It keeps repositories' keys, signs what is published, and is a client. Usage: node tufjs.js DIRECTORY-OF-node_modules
'use strict';
const crypto = require('crypto');
const path = require('path');
const readline = require('readline');
const { createRequire } = require('module');

const from = createRequire(path.join(process.argv[2], 'anchor.js'));
const { Metadata, Signature, Key, Root, Timestamp, Snapshot, Targets } = from('@tufjs/models');
const { canonicalize } = from('@tufjs/canonical-json');
const { Updater } = from('tuf-js');

// The client's clock: null is the machine's.
let fixed = null;
const Machine = Date;
global.Date = class extends Machine {
    constructor(...given) { given.length || fixed === null ? super(...given) : super(fixed); }
    static now() { return fixed === null ? Machine.now() : fixed; }
};

const KINDS = { root: Root, timestamp: Timestamp, snapshot: Snapshot, targets: Targets };
const MAKE = {
    ecdsa: () => ['ec', { namedCurve: 'P-256' }, 'ecdsa', 'ecdsa-sha2-nistp256', 'sha256'],
    p384: () => ['ec', { namedCurve: 'P-384' }, 'ecdsa', 'ecdsa-sha2-nistp384', 'sha384'],
    rsa3072: () => ['rsa', { modulusLength: 3072 }, 'rsa', 'rsassa-pss-sha256', 'sha256'],
    rsa: () => ['rsa', { modulusLength: 2048 }, 'rsa', 'rsassa-pss-sha256', 'sha256'],
    ed25519: () => ['ed25519', {}, 'ed25519', 'ed25519', null],
};
const keys = new Map();

function publicText(kind, key) {
    if (kind !== 'ed25519') return key.export({ type: 'spki', format: 'pem' });
    return Buffer.from(key.export({ format: 'jwk' }).x, 'base64url').toString('hex');
}

function makeKey({ kind }) {
    const [type, options, keytype, scheme, hash] = MAKE[kind]();
    const pair = crypto.generateKeyPairSync(type, options);
    const key = { keytype, scheme, keyval: { public: publicText(kind, pair.publicKey) } };
    const keyid = crypto.createHash('sha256').update(canonicalize(key)).digest('hex');
    keys.set(keyid, { secret: pair.privateKey, hash, pss: keytype === 'rsa' });
    Key.fromJSON(keyid, key); // tuf-js must take what tuf-js makes
    return { keyid, key };
}

function signBytes(keyid, bytes) {
    const { secret, hash, pss } = keys.get(keyid);
    const how = pss ? { key: secret, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : secret;
    return crypto.sign(hash, bytes, how).toString('hex');
}

// As a publisher that uses tuf-js does: its objects, its canonical form, its serialisation.
function build({ signed, keyids }) {
    const file = new Metadata(KINDS[signed._type].fromJSON(signed));
    for (const keyid of keyids)
        file.sign((bytes) => new Signature({ keyID: keyid, sig: signBytes(keyid, bytes) }));
    return { text: JSON.stringify(file.toJSON()) };
}

function open(at, o) {
    fixed = at;
    return new Updater({ ...o, config: { fetchRetries: 0, fetchRetry: 0, ...o.config } });
}

async function refresh({ at, options }) {
    await open(at, options).refresh();
    return {};
}

async function download({ at, options, paths, files }) {
    const updater = open(at, options);
    const infos = [];
    await updater.refresh();
    for (const [i, name] of paths.entries()) {
        const info = await updater.getTargetInfo(name);
        if (!info) throw new Error(`no role vouches for ${name}`);
        if (!(await updater.findCachedTarget(info, files[i])))
            await updater.downloadTarget(info, files[i]);
        infos.push({ length: info.length, hashes: info.hashes, custom: info.custom });
    }
    return { infos };
}

// Is this a file of that role, signed by the role of the root given? The judgement that an update begins with.
function judge({ role, root, text }) {
    const trusted = Metadata.fromJSON('root', JSON.parse(root));
    const file = Metadata.fromJSON(role, JSON.parse(Buffer.from(text, 'base64').toString('utf8')));
    trusted.verifyDelegate(role, file);
    return {};
}

const WORK = { makeKey, build, refresh, download, judge, sign: (r) => ({ sig: signBytes(r.keyid, Buffer.from(r.bytes, 'base64')) }) };

async function serve() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const request = JSON.parse(line);
        let answer;
        try {
            answer = { ok: true, ...(await WORK[request.op](request)) };
        } catch (error) {
            answer = { ok: false, why: `${error.name}: ${error.message}`.split('\n')[0] };
        }
        fixed = null;
        process.stdout.write(JSON.stringify(answer) + '\n');
    }
}
serve();
