package http

import (
	"net/http"

	"github.com/storyloop/storyloop/host"
)

type scheduleList struct {
	Schedules []host.Schedule `json:"schedules"`
}

func (a *API) listSchedules(w http.ResponseWriter, r *request) error {
	schedules, err := a.Engine.Schedules(r.Context())
	if err != nil {
		return err
	}
	return writeOK(w, scheduleList{append([]host.Schedule{}, schedules...)})
}
