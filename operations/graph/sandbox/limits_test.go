package sandbox_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/storyloop/storyloop/operations/graph/sandbox"
)

func TestBudgets_RunOutAndRefill(t *testing.T) {
	t.Parallel()
	pageNode := "/" + sandbox.SeedPageID + "?fields=id"
	for _, budget := range []struct {
		name   string
		limits sandbox.Limits
		path   string
		code   int
		header string
		refill time.Duration
	}{
		{"app", sandbox.Limits{AppPerHour: 4}, "/me", 4, "X-App-Usage", time.Hour},
		{"user", sandbox.Limits{UserPerHour: 4}, "/me", 17, "", time.Hour},
		{"page", sandbox.Limits{PagePerDay: 4}, pageNode, 32, "X-Page-Usage", 24 * time.Hour},
		{"account", sandbox.Limits{AccountPerDay: 4}, "/" + account, 80002, "X-Business-Use-Case-Usage", 24 * time.Hour},
	} {
		t.Run(budget.name, func(t *testing.T) {
			t.Parallel()
			world := sandbox.SeedWorld()
			world.Limits = budget.limits
			c := newClientOf(t, sandbox.Options{World: world})
			for i := range 4 {
				r := c.get(budget.path)
				r.ok()
				if budget.header != "" {
					assert.Contains(t, r.header.Get(budget.header), []string{`"call_count":25`, `"call_count":50`, `"call_count":75`, `"call_count":100`}[i])
				}
			}
			r := c.get(budget.path)
			r.fails(budget.code, 0)
			if budget.name == "account" {
				assert.Contains(t, r.header.Get(budget.header), `"estimated_time_to_regain_access":1440`)
			}
			c.sb.Clock().Advance(budget.refill / 2)
			r = c.get(budget.path)
			r.fails(budget.code, 0)
			if budget.name == "account" {
				assert.Contains(t, r.header.Get(budget.header), `"estimated_time_to_regain_access":720`)
			}
			c.sb.Clock().Advance(budget.refill)
			c.get(budget.path).ok()
		})
	}
}

func TestBudgets_OfOneAccountLeaveOthersAlone(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.sb.SetLimits(sandbox.Limits{AccountPerDay: 1})
	c.get("/" + account).ok()
	c.get("/"+account).fails(80002, 0)
	c.get("/" + sandbox.SeedThirdAccountID).ok()
	c.get("/" + account + "?fields=business_discovery.username(natgeo_sandbox){username}").ok()
}
