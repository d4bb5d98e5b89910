package sandbox

import (
	"slices"
	"sort"
	"time"
)

// debugToken is GET /debug_token: what a token is and why it does not work. The answer is 200
// also for a dead token.
func debugToken(c *call) (any, error) {
	input := c.params.get("input_token")
	if input == "" {
		return nil, missingParam("input_token")
	}
	if c.token.Kind != AppToken && c.token.Kind != UserToken {
		return nil, fail(100, "You must provide an app access token, or a user access token that is an owner or developer of the app")
	}
	t := c.s.st.tokens[input]
	if t == nil {
		found, err := c.s.token(input)
		if err != nil {
			return object{{"data", object{
				{"error", object{{"code", 190}, {"message", "Invalid OAuth access token - Cannot parse access token"}}},
				{"is_valid", false}, {"scopes", []string{}},
			}}}, nil
		}
		t = found
	}
	return object{{"data", c.describeToken(t)}}, nil
}

func (c *call) describeToken(t *Token) object {
	kind := t.Kind
	if kind == InstagramToken {
		kind = UserToken
	}
	out := object{
		{"app_id", c.s.app.id(t.flavour())}, {"type", kind}, {"application", c.s.app.Name},
	}
	if t.Kind == AppToken {
		return append(out, member{"is_valid", true}, member{"scopes", []string{}})
	}
	if bad := t.check(c.now); bad != nil {
		reason := object{{"code", 190}, {"message", bad.message}}
		if bad.subcode != 0 {
			reason = append(reason, member{"subcode", bad.subcode})
		}
		out = append(out, member{"error", reason})
	}
	out = append(out,
		member{"data_access_expires_at", unixOrZero(t.DataAccessEnds)},
		member{"expires_at", unixOrZero(t.Expires)},
		member{"is_valid", t.check(c.now) == nil},
	)
	if t.LongLived && !t.Issued.IsZero() {
		out = append(out, member{"issued_at", t.Issued.Unix()})
	}
	if t.Kind == PageToken {
		out = append(out, member{"profile_id", t.PageID})
	}
	out = append(out, member{"scopes", slices.Clone(t.Scopes)}, member{"granular_scopes", granularScopes(t)})
	user := t.UserID
	if t.Kind == InstagramToken {
		user = t.AccountID
	}
	return append(out, member{"user_id", user})
}

func granularScopes(t *Token) []object {
	list := []object{}
	for _, scope := range t.Scopes {
		entry := object{{"scope", scope}}
		if ids := t.Targets[scope]; len(ids) > 0 {
			entry = append(entry, member{"target_ids", slices.Clone(ids)})
		}
		list = append(list, entry)
	}
	return list
}

func unixOrZero(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// getApp is GET /<APP_ID>.
func getApp(c *call) (any, error) {
	return object{{"category", "Business"}, {"link", "https://www.facebook.com/games/?app_id=" + c.s.app.ID}, {"name", c.s.app.Name}, {"id", c.s.app.ID}}, nil
}

// listPermissions is GET /me/permissions.
func listPermissions(c *call) (any, error) {
	revoked := c.s.st.revoked[c.token.UserID]
	list := []object{}
	for _, scope := range c.token.Scopes {
		list = append(list, object{{"permission", scope}, {"status", "granted"}})
	}
	for _, scope := range sortedKeys(revoked) {
		list = append(list, object{{"permission", scope}, {"status", "declined"}})
	}
	return object{{"data", list}}, nil
}

// revokePermissions is DELETE /me/permissions: one permission, or the whole app, after which
// the user's tokens are dead.
func revokePermissions(c *call) (any, error) {
	u, st := c.node.(*User), c.s.st
	scope := c.params.get("permission")
	if len(c.parts) == 3 {
		scope = c.parts[2]
	}
	if scope != "" && !slices.Contains(c.token.Scopes, scope) {
		return nil, badParam("The permission %s was not granted", scope)
	}
	for _, t := range st.tokens {
		if t.UserID != u.ID {
			continue
		}
		if scope == "" {
			t.Dead = 458
			continue
		}
		t.Scopes = slices.DeleteFunc(slices.Clone(t.Scopes), func(s string) bool { return s == scope })
	}
	if st.revoked[u.ID] == nil {
		st.revoked[u.ID] = map[string]bool{}
	}
	if scope != "" {
		st.revoked[u.ID][scope] = true
	}
	return success(), nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
