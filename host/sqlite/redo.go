package sqlite

import (
	"encoding/binary"
	"errors"
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
// store is opened after its process was killed, [redo.read] has what is missing.
//
// The file is a sequence of records:
//
//	length   uint32, little-endian as all numbers: of the rest but the checksum
//	checksum uint32, CRC-32C of the rest
//	salt     uint64, drawn each time the store is opened
//	number   uint64, one more than that of the record before
//	row      what is to be written
//
// Once all records are committed, the next goes to the file's beginning. What is left
// of earlier ones behind it has lower numbers, and is not taken for its successors.
type redo struct {
	file *os.File
	salt uint64

	// Of the caller alone, which is the queue under its lock.
	end    int64  // Where the next record goes.
	last   uint64 // Number of the last record.
	record []byte // Room for one.

	committed atomic.Uint64 // Number of the last record that is in the store.
}

const recordHead = 4 + 4 + 8 + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// redoOf returns the path of a store's redo file.
func redoOf(path string) string { return path + "-redo" }

func openRedo(path string, salt uint64) (*redo, error) {
	file, err := os.OpenFile(redoOf(path), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	return &redo{file: file, salt: salt}, nil
}

// add adds a row. It returns its record's number, or false if its write must wait
// for the commit instead: it is too large, or there is no room.
func (r *redo) add(w row) (number uint64, ok bool) {
	if r.committed.Load() == r.last {
		r.end = 0
	}
	if r.end >= maxRedo || w.size() > maxRecord {
		return 0, false
	}
	number = r.last + 1
	r.record = record(r.record[:0], r.salt, number, w)
	if _, err := r.file.WriteAt(r.record, r.end); err != nil {
		return 0, false
	}
	r.end, r.last = r.end+int64(len(r.record)), number
	return number, true
}

// record appends a record to what is empty.
func record(to []byte, salt, number uint64, r row) []byte {
	to = append(to, make([]byte, 4+4)...)
	to = binary.LittleEndian.AppendUint64(to, salt)
	to = binary.LittleEndian.AppendUint64(to, number)
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
	if r.committed.Load() == r.last {
		err = errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}

// readRedo returns the rows behind a number of the redo file with a salt, in the order
// in which they were added. There are none if there is no such file, or what follows
// the number is not there: the file is not synced, and a power cut may take any part.
func readRedo(path string, salt, number uint64) ([]row, error) {
	file, err := os.Open(redoOf(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
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

func parseRedo(text []byte, salt, number uint64) []row {
	var rows []row
	for next := uint64(0); len(text) >= recordHead; next++ {
		length := uint64(binary.LittleEndian.Uint32(text))
		if length < 16 || length > uint64(len(text)-8) {
			break
		}
		record := text[8 : 8+length]
		this := binary.LittleEndian.Uint64(record[8:])
		switch {
		case crc32.Checksum(record, castagnoli) != binary.LittleEndian.Uint32(text[4:]),
			binary.LittleEndian.Uint64(record) != salt,
			next == 0 && this > number+1,
			next > 0 && this != next:
			return rows
		}
		next, text = this, text[8+length:]
		if this <= number {
			continue
		}
		row, ok := parseRow(record[16:])
		if !ok {
			break
		}
		rows = append(rows, row)
	}
	return rows
}
