package http

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/storyloop/storyloop/host"
)

const (
	runsPage  = 100
	maxPage   = 1000
	bodyPage  = 20 // Entries with their inputs and outputs may be megabytes each.
	stepsPage = 100
)

// runList is a page of runs, without what they took in and gave.
type runList struct {
	Runs []host.Run `json:"runs"`
	Next string     `json:"next,omitempty"` // "before" of the next page; empty at the end.
}

func (a *API) listRuns(w http.ResponseWriter, r *request) error {
	q := r.URL.Query()
	f := host.RunFilter{Workflow: q.Get("workflow"), Before: q.Get("before"), Limit: runsPage}
	var err error
	if f.States, err = states(q["state"]); err != nil {
		return err
	}
	if f.From, err = r.time("from"); err != nil {
		return err
	}
	if f.To, err = r.time("to"); err != nil {
		return err
	}
	limit, err := r.number("limit", maxPage)
	if err != nil {
		return err
	}
	if limit > 0 {
		f.Limit = int(limit)
	}
	runs, err := a.Engine.Store.Runs(r.Context(), f)
	if err != nil {
		return err
	}
	list := runList{Runs: []host.Run{}}
	for _, run := range runs {
		run.Trigger, run.Output = nil, nil
		list.Runs = append(list.Runs, run)
	}
	if len(runs) == f.Limit {
		list.Next = runs[len(runs)-1].ID
	}
	return writeOK(w, list)
}

var allStates = []host.RunState{
	host.RunQueued, host.RunRunning, host.RunWaiting, host.RunParked, host.RunSucceeded, host.RunFailed, host.RunCancelled,
}

// states reads states that are given one by one or with commas.
func states(given []string) ([]host.RunState, error) {
	var all []host.RunState
	for _, text := range given {
		for name := range strings.SplitSeq(text, ",") {
			s := host.RunState(name)
			if !slices.Contains(allStates, s) {
				return nil, invalidRequest.problemf("there is no state %q; there are: queued, running, waiting, parked, succeeded, failed, cancelled", name)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

func (a *API) startRun(w http.ResponseWriter, r *request) error {
	var in struct {
		Workflow string          `json:"workflow"`
		Trigger  json.RawMessage `json:"trigger"`
		ID       string          `json:"id"`
	}
	if err := r.decode(&in); err != nil {
		return err
	}
	id, problem := runID(r.Header, in.ID)
	if problem != nil {
		return problem
	}
	run, fresh, err := a.Engine.Start(r.Context(), host.StartRequest{Workflow: in.Workflow, Trigger: in.Trigger, ID: id})
	if err != nil {
		return err
	}
	if !fresh && run.Workflow != in.Workflow {
		return conflict.at("/id", "the id %q is taken by a run of %s", id, run.Workflow)
	}
	if !fresh && !sameJSON(run.Trigger, in.Trigger) {
		return conflict.at("/id", "the id %q is taken by a run with another trigger", id)
	}
	status := http.StatusCreated
	if !fresh {
		status = http.StatusOK
	}
	w.Header().Set("Location", "/api/v1/runs/"+run.ID)
	_ = writeJSON(w, status, run)
	return nil
}

func (a *API) showRun(w http.ResponseWriter, r *request) error {
	run, err := a.Engine.Store.Run(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeOK(w, run)
}

func (a *API) cancelRun(w http.ResponseWriter, r *request) error {
	if err := a.Engine.Cancel(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return a.showRun(w, r)
}

func (a *API) retryRun(w http.ResponseWriter, r *request) error {
	var in struct {
		From   host.AgainFrom `json:"from"`
		Loop   string         `json:"loop"`
		Latest bool           `json:"latest"`
	}
	if err := r.decode(&in); err != nil {
		return err
	}
	run, err := a.Engine.Again(r.Context(), host.AgainRequest{Run: r.PathValue("id"), From: in.From, Loop: in.Loop, Latest: in.Latest})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/runs/"+run.ID)
	_ = writeJSON(w, http.StatusCreated, run)
	return nil
}

func (a *API) resolveRun(w http.ResponseWriter, r *request) error {
	var in struct {
		Path   string      `json:"path"`
		Answer host.Choice `json:"answer"`
	}
	if err := r.decode(&in); err != nil {
		return err
	}
	if err := a.Engine.Resolve(r.Context(), r.PathValue("id"), in.Path, in.Answer); err != nil {
		return err
	}
	return a.showRun(w, r)
}
