// SPDX-License-Identifier: Apache-2.0

// One refresh with go-tuf. Usage: refresh URL ROOT EMPTY_DIR; without URL it starts and does nothing.
package main

import (
	"log"
	"os"

	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"
)

func refresh(url, rootFile, directory string) error {
	root, err := os.ReadFile(rootFile)
	if err != nil {
		return err
	}
	cfg, err := config.New(url, root)
	if err != nil {
		return err
	}
	cfg.LocalMetadataDir = directory
	cfg.LocalTargetsDir = directory
	client, err := updater.New(cfg)
	if err != nil {
		return err
	}
	return client.Refresh()
}

func main() {
	if len(os.Args) < 4 {
		return
	}
	if err := refresh(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
