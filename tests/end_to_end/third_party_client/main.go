// SPDX-License-Identifier: Apache-2.0

// Reads a log over HTTP (C2SP tlog-tiles) with what golang.org/x/mod makes of notes, tiles and proofs: it was
// written for Go's checksum database and knows nothing of Spoor. What is ours here: the names of tiles, the form of
// bundles and a witness's signature, for which x/mod has an interface. Believes nothing that the log's key does not prove.
//
//	third_party_client [-older FILE] [-witness VKEY] URL VKEY
//
// Exit codes: 0 all of the log proves; 1 it does not, and what is wrong is named; 2 usage.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight    = 8
	tileWidth     = 1 << tileHeight
	bundleLevel   = -1 // x/mod's word for the tiles that hold records
	entryBytesMax = 1<<16 - 1
	answerBytes   = tileWidth * (2 + entryBytesMax)
)

func get(url, path string) ([]byte, error) {
	answer, err := http.Get(url + "/" + path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, answerBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// x/mod says tile/8/L/N and tile/8/data/N where C2SP says tile/L/N and tile/entries/N.
func pathOf(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return "tile/" + strings.Replace(path, "data/", "entries/", 1)
}

// tileReader is a tlog.TileReader.
type tileReader struct {
	url  string
	read []string // so far for the entries of one bundle
}

func (r *tileReader) Height() int { return tileHeight }

func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		r.read = append(r.read, pathOf(tile))
		data, err := get(r.url, pathOf(tile))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (r *tileReader) SaveTiles([]tlog.Tile, [][]byte) {}

// kept is a tlog.HashReader that keeps what TileHashReader gave. That holds most tiles against the root, but passes over
// some (in x/mod 0.7.0, which counts the peaks of a tree where it means the tiles that hold them). So no hash is believed for
// having been read: CheckRecord and CheckTree decide.
type kept struct {
	tiles *tileReader
	below tlog.HashReader
	known map[int64]tlog.Hash
}

func (k *kept) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var unknown []int64
	for _, index := range indexes {
		if _, ok := k.known[index]; !ok {
			unknown = append(unknown, index)
		}
	}
	if len(unknown) > 0 {
		hashes, err := k.below.ReadHashes(unknown)
		if err != nil { // of the tiles it read x/mod does not say which
			return nil, fmt.Errorf("one of %s: %w", strings.Join(k.tiles.read, ", "), err)
		}
		for i, index := range unknown {
			k.known[index] = hashes[i]
		}
	}
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, k.known[index])
	}
	return found, nil
}

// cosigner is the note.Verifier of a witness (C2SP tlog-cosignature).
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosigner(text string) (*cosigner, error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed witness key")
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 4 {
		return nil, errors.New("malformed witness key")
	}
	return &cosigner{parts[0], uint32(hash), raw[1:]}, nil
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	said := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, []byte(said), signature[8:])
}

// openCheckpoint returns the tree that all of `signers` signed, the first of which gives the log its name.
func openCheckpoint(text []byte, signers []note.Verifier) (tlog.Tree, *note.Note, error) {
	opened, err := note.Open(text, note.VerifierList(signers...))
	if err != nil {
		return tlog.Tree{}, nil, err
	}
	if len(opened.Sigs) != len(signers) { // each is counted once
		return tlog.Tree{}, nil, fmt.Errorf("%d signatures of %d are there", len(opened.Sigs), len(signers))
	}
	origin, rest, _ := strings.Cut(opened.Text, "\n")
	if origin != signers[0].Name() {
		return tlog.Tree{}, nil, fmt.Errorf("is of %q", origin)
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	return tree, opened, err
}

func readBundle(url string, tile tlog.Tile) ([][]byte, error) {
	data, err := get(url, pathOf(tile))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) >= 2 {
		end := 2 + int(binary.BigEndian.Uint16(data))
		if end > len(data) {
			break
		}
		entries = append(entries, data[2:end])
		data = data[end:]
	}
	if len(entries) != tile.W || len(data) != 0 {
		return nil, fmt.Errorf("%s: is no bundle of %d entries", pathOf(tile), tile.W)
	}
	return entries, nil
}

func checkEntries(url string, tree tlog.Tree, hashes *kept) error {
	for first := int64(0); first < tree.N; first += tileWidth {
		bundle := tlog.Tile{H: tileHeight, L: bundleLevel, N: first / tileWidth, W: tileWidth}
		if rest := tree.N - first; rest < tileWidth {
			bundle.W = int(rest)
		}
		hashes.tiles.read = nil
		// All that is stored with these entries, so that each tile is read and hashed once for a bundle.
		var stored []int64
		end := tlog.StoredHashCount(first + int64(bundle.W))
		for index := tlog.StoredHashIndex(0, first); index < end; index++ {
			stored = append(stored, index)
		}
		if _, err := hashes.ReadHashes(stored); err != nil {
			return err
		}
		entries, err := readBundle(url, bundle)
		if err != nil {
			return err
		}
		for i, entry := range entries {
			number := first + int64(i)
			proof, err := tlog.ProveRecord(tree.N, number, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, number, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("%s: entry %d, or one of %s: %w", pathOf(bundle), number,
					strings.Join(hashes.tiles.read, ", "), err)
			}
		}
	}
	return nil
}

func checkExtends(tree, older tlog.Tree, hashes *kept) error {
	if older.N > tree.N {
		return fmt.Errorf("has %d entries, the log now %d", older.N, tree.N)
	}
	if older.N == 0 {
		return nil // every tree extends the empty one
	}
	proof, err := tlog.ProveTree(tree.N, older.N, hashes)
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
		return fmt.Errorf("the log of %d entries does not extend these %d, or one of %s is not its: %w", tree.N, older.N,
			strings.Join(hashes.tiles.read, ", "), err)
	}
	return nil
}

func run(url, logKey, witnessKey, olderFile string) error {
	verifier, err := note.NewVerifier(logKey)
	if err != nil {
		return fmt.Errorf("%s: %w", logKey, err)
	}
	signers := []note.Verifier{verifier}
	if witnessKey != "" {
		witness, err := newCosigner(witnessKey)
		if err != nil {
			return fmt.Errorf("%s: %w", witnessKey, err)
		}
		signers = append(signers, witness)
	}
	text, err := get(url, "checkpoint")
	if err != nil {
		return err
	}
	tree, opened, err := openCheckpoint(text, signers)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	fmt.Printf("checkpoint %d %s\n", tree.N, tree.Hash)
	fmt.Printf("signatures %d known %d unknown\n", len(opened.Sigs), len(opened.UnverifiedSigs))
	tiles := &tileReader{url: url}
	hashes := &kept{tiles, tlog.TileHashReader(tree, tiles), map[int64]tlog.Hash{}}
	if olderFile != "" {
		text, err := os.ReadFile(olderFile)
		if err != nil {
			return err
		}
		older, _, err := openCheckpoint(text, signers[:1])
		if err == nil {
			err = checkExtends(tree, older, hashes)
		}
		if err != nil {
			return fmt.Errorf("older checkpoint: %w", err)
		}
		fmt.Printf("extends %d\n", older.N)
	}
	if err := checkEntries(url, tree, hashes); err != nil {
		return err
	}
	fmt.Printf("entries %d\n", tree.N)
	return nil
}

func main() {
	older := flag.String("older", "", "a `FILE` with a checkpoint that the log must extend")
	witness := flag.String("witness", "", "the `VKEY` of a witness that must have cosigned")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *witness, *older); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
