package operations

import "github.com/storyloop/storyloop/connector"

// app is the operator's registration with Meta: one app, which has a pair of id and
// secret for each login flavour.
type app struct {
	ID              string   `json:"app_id"`
	Secret          string   `json:"app_secret"`
	InstagramID     string   `json:"instagram_app_id"`
	InstagramSecret string   `json:"instagram_app_secret"`
	VerifyToken     string   `json:"verify_token"`
	MoreSecrets     []string `json:"more_secrets"` // Old ones, while they are being replaced.
	Usernames       []string `json:"usernames"`
	LoginConfigID   string   `json:"login_config_id"` // Facebook Login for Business has one instead of scopes.
}

// readApp reads a registration; an empty one is a registration without anything.
func readApp(s connector.Secret) (app, error) {
	var a app
	if len(s) == 0 {
		return a, nil
	}
	if err := s.Decode(&a); err != nil {
		return a, &connector.Error{
			Kind: connector.InvalidInput, Applied: connector.AppliedNo,
			Message: "The app's configuration cannot be read.", Err: err,
		}
	}
	return a, nil
}

// secrets lists all secrets that may sign a webhook. Meta signs for Facebook Login
// with the app's secret and for Instagram Login with the Instagram app's, which is
// nowhere documented: any match counts.
func (a app) secrets() []string {
	var all []string
	for _, s := range append([]string{a.Secret, a.InstagramSecret}, a.MoreSecrets...) {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}
