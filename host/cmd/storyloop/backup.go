package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"
)

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy everything that the host keeps to a new file",
		Long: `Backup copies the data file, as it is when the copy begins, to a file that must not
be there yet; a running host goes on meanwhile. The copy is a data file: a host
runs on it with --data. It holds inputs and outputs of runs, so it is as private
as the original.`,
		Example: "  storyloop backup storyloop-2026-01-31.db",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.backup(cmd.Context(), args[0]) },
	}
}

// backupLine is a backup as JSON.
type backupLine struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

func (a *app) backup(ctx context.Context, to string) error {
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return usageErrorf("there is a file %s already: name another for the backup", to)
	}
	c, err := a.openClient(ctx, looks)
	if err != nil {
		return err
	}
	defer c.close()
	resp, err := c.open(ctx, http.MethodGet, "/api/v1/backup", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := save(resp, to)
	if err != nil {
		return fmt.Errorf("writing the backup %s: %w", to, err)
	}
	if a.json {
		return a.printJSON(backupLine{to, n})
	}
	fmt.Fprintf(a.stdout, "%s: %d bytes\n", to, n)
	return nil
}

// save writes a file that has its name only once it is whole and synced.
func save(resp *http.Response, to string) (n int64, err error) {
	whole, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64)
	if err != nil {
		return 0, errors.New("the host did not say how long it is")
	}
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".part-*") // mode 0600
	if err != nil {
		return 0, err
	}
	defer os.Remove(part.Name()) // gone by then, if all went well
	n, err = io.Copy(part, resp.Body)
	if err == nil && n != whole {
		err = fmt.Errorf("it was cut off after %d of %d bytes", n, whole)
	}
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return n, err
	}
	if err := os.Rename(part.Name(), to); err != nil {
		return n, err
	}
	return n, syncDir(filepath.Dir(to))
}

// syncDir makes a name as durable as the file that has it, where that can be asked
// for.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync() // some systems cannot
	return nil
}
