package http

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// backup sends a copy of the store. It is made beside the store's file, where it
// is as private, and removed when it was sent.
func (a *API) backup(w http.ResponseWriter, r *request) error {
	if a.Backup == nil {
		return conflict.problemf("this host keeps everything in memory: there is no file to back up")
	}
	dir, err := os.MkdirTemp(filepath.Dir(a.Backup.Path()), ".backup-*") // mode 0700
	if err != nil {
		return fmt.Errorf("making room for the backup: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "copy")
	if err := a.Backup.Backup(r.Context(), path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	w.Header().Set("Content-Type", "application/vnd.sqlite3")
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	w.Header().Set("Content-Disposition", `attachment; filename="storyloop.db"`)
	// The length tells the receiver if it has been cut off.
	_, _ = io.Copy(steady{w, http.NewResponseController(w)}, f)
	return nil
}

// steady lets a long answer take as long as it does, if only the receiver takes
// something of it now and then.
type steady struct {
	w       io.Writer
	control *http.ResponseController
}

func (s steady) Write(p []byte) (int, error) {
	if err := extend(s.control); err != nil {
		return 0, err
	}
	return s.w.Write(p)
}
