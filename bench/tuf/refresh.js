// SPDX-License-Identifier: Apache-2.0
// One refresh with tuf-js. Usage: refresh.js MODULES [URL ROOT EMPTY_DIR]; without URL it starts and does nothing.
'use strict';
const fs = require('fs');
const path = require('path');
const { Updater } = require('module').createRequire(path.join(process.argv[2], 'anchor.js'))('tuf-js');

async function refresh(metadataBaseUrl, root, metadataDir) {
    fs.copyFileSync(root, path.join(metadataDir, 'root.json'));
    await new Updater({ metadataDir, metadataBaseUrl }).refresh();
}
if (process.argv.length > 3)
    refresh(...process.argv.slice(3)).catch((error) => { console.error(error.message); process.exitCode = 1; });
