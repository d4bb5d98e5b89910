package http

import (
	"net/http"

	"github.com/storyloop/storyloop/host"
)

// stepList is a page of a run's journal.
type stepList struct {
	Steps []host.Entry `json:"steps"`
	Next  int64        `json:"next,omitempty"` // "from" of the next page; zero at the end.
}

func (a *API) listSteps(w http.ResponseWriter, r *request) error {
	id := r.PathValue("id")
	if _, err := a.Engine.Store.Run(r.Context(), id); err != nil {
		return err
	}
	bodies, err := r.flag("bodies")
	if err != nil {
		return err
	}
	page, most := int64(stepsPage), int64(maxPage)
	if bodies {
		page, most = bodyPage, stepsPage
	}
	limit, err := r.number("limit", most)
	if err != nil {
		return err
	}
	if limit > 0 {
		page = limit
	}
	from, err := r.number("from", 1<<62)
	if err != nil {
		return err
	}
	entries, next, err := a.Engine.History(r.Context(), id, from, int(page))
	if err != nil {
		return err
	}
	list := stepList{Steps: []host.Entry{}, Next: next}
	for _, e := range entries {
		if !bodies {
			e.Input, e.Output = nil, nil
		}
		list.Steps = append(list.Steps, e)
	}
	return writeOK(w, list)
}

func (a *API) showStep(w http.ResponseWriter, r *request) error {
	path := r.URL.Query().Get("path")
	if path == "" {
		return invalidRequest.problemf(`name the step in the query parameter "path", such as loop-1[3]/instagram-2`)
	}
	entry, err := a.Engine.Step(r.Context(), r.PathValue("id"), path)
	if err != nil {
		return err
	}
	return writeOK(w, entry)
}
