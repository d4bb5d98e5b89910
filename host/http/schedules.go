package http

import (
	"net/http"

	"github.com/storyloop/storyloop/host"
)

type scheduleList struct {
	Schedules []host.Schedule `json:"schedules"`
}

type pollList struct {
	Polls []host.Poll `json:"polls"`
}

func (a *API) listPolls(w http.ResponseWriter, r *request) error {
	polls, err := a.Engine.Polls(r.Context())
	if err != nil {
		return err
	}
	return writeOK(w, pollList{append([]host.Poll{}, polls...)})
}

func (a *API) listSchedules(w http.ResponseWriter, r *request) error {
	schedules, err := a.Engine.Schedules(r.Context())
	if err != nil {
		return err
	}
	return writeOK(w, scheduleList{append([]host.Schedule{}, schedules...)})
}
