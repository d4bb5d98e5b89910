package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
)

const (
	maxRedo   = 4 << 20  // From this size on, in bytes, nothing is added until all is committed.
	maxRecord = 64 << 10 // Larger writes wait for their commit: they would be written twice.
)

// redo is a file beside the store's that holds writes which are not committed yet.
// To be there is all that a [host.Written] write must wait for: what the system has
// taken outlives the process, and taking it costs a tenth of a small commit. When the
// store is opened after its process was killed, [readRedo] returns what is missing.
//
// The file is a sequence of records:
//
//	length   uint32, little-endian as all numbers: of the rest but the checksum
//	checksum uint32, CRC-32C of the rest
//	salt     uint64, drawn each time the store is opened
//	number   uint64, that of the write: writes without a record have numbers, too
//	base     uint64, number of the last write that was committed before
//	row      what is to be written
//
// Once all records are committed, the next goes to the file's beginning. What is left
// of earlier ones behind it has lower numbers, and is not taken for its successors.
// After a power cut, which may undo commits that were not synced, a record whose base
// is not in the store is not used: it may come from what is lost.
type redo struct {
	store string // Its path.
	file  *os.File
	salt  uint64

	// Of the caller alone, which is the queue under its lock.
	end    int64  // Where the next record goes.
	last   uint64 // Number of the last record.
	record []byte // Room for one.

	committed atomic.Uint64 // Number of the last write that was committed.
}

const recordHead = 4 + 4 + 8 + 8 + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// redoOf returns the path of a store's redo file.
func redoOf(path string) string { return path + "-redo" }

// openRedo makes a new file, in the place of one that is not needed any more: whatever
// that was, this one is as private as the store.
func openRedo(path string, salt uint64) (*redo, error) {
	if err := removeRedo(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(redoOf(path), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &redo{store: path, file: file, salt: salt}, nil
}

// add adds a write's row. If it returns false, the write must wait for its commit
// instead: it is too large, or there is no room.
func (r *redo) add(number uint64, w row) bool {
	committed := r.committed.Load()
	if committed >= r.last {
		r.end = 0
	}
	if r.end >= maxRedo || w.size() > maxRecord {
		return false
	}
	r.record = record(r.record[:0], r.salt, number, committed, w)
	if _, err := r.file.WriteAt(r.record, r.end); err != nil {
		return false
	}
	r.end, r.last = r.end+int64(len(r.record)), number
	return true
}

// record appends a record to what is empty.
func record(to []byte, salt, number, base uint64, r row) []byte {
	to = append(to, make([]byte, 4+4)...)
	to = binary.LittleEndian.AppendUint64(to, salt)
	to = binary.LittleEndian.AppendUint64(to, number)
	to = binary.LittleEndian.AppendUint64(to, base)
	return seal(appendRow(to, r))
}

// seal completes a record's head.
func seal(record []byte) []byte {
	binary.LittleEndian.PutUint32(record, uint32(len(record)-8))
	binary.LittleEndian.PutUint32(record[4:], crc32.Checksum(record[8:], castagnoli))
	return record
}

// close removes the file if there is nothing in it that the store has not.
func (r *redo) close() error {
	err := r.file.Close()
	if r.committed.Load() >= r.last {
		err = errors.Join(err, removeRedo(r.store))
	}
	return err
}

func removeRedo(path string) error {
	if err := os.Remove(redoOf(path)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// readRedo returns the rows of the redo file with a salt that the store has not, in
// the order in which they were added, where number is of the last write that it has.
func readRedo(path string, salt, number uint64) ([]row, error) {
	info, err := os.Lstat(redoOf(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // A pipe would not even let itself be opened.
		return nil, fmt.Errorf("%s is not a file of storyloop: move it away", redoOf(path))
	}
	file, err := os.Open(redoOf(path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxRedo+2*maxRecord))
	if err != nil {
		return nil, err
	}
	return parseRedo(text, salt, number), nil
}

// parseRedo ends with the first record that is not whole, or not the next.
func parseRedo(text []byte, salt, number uint64) []row {
	var rows []row
	for last := uint64(0); len(text) >= recordHead; {
		length := uint64(binary.LittleEndian.Uint32(text))
		if length < recordHead-8 || length > uint64(len(text)-8) {
			break
		}
		record := text[8 : 8+length]
		this, base := binary.LittleEndian.Uint64(record[8:]), binary.LittleEndian.Uint64(record[16:])
		if crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(text[4:]) ||
			binary.LittleEndian.Uint64(record) != salt || this <= last || base > number {
			break
		}
		last, text = this, text[8+length:]
		if this <= number {
			continue
		}
		row, ok := parseRow(record[recordHead-8:])
		if !ok {
			break
		}
		rows = append(rows, row)
	}
	return rows
}
