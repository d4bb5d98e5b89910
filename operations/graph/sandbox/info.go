package sandbox

import "slices"

// Info is how to reach and use the sandbox's world: the app, and for each account that the
// app may act for its ids and tokens.
type Info struct {
	AppID              string        `json:"app_id"`
	AppSecret          string        `json:"app_secret"`
	InstagramAppID     string        `json:"instagram_app_id"`
	InstagramAppSecret string        `json:"instagram_app_secret"`
	AppToken           string        `json:"app_token"`
	VerifyToken        string        `json:"verify_token"`
	Accounts           []AccountInfo `json:"accounts"`
}

// AccountInfo is one account that the app may act for. Tokens are the long-lived ones of the
// world's start; a flavour of login that the account does not have is empty.
type AccountInfo struct {
	IGUserID        string   `json:"ig_user_id"`
	Username        string   `json:"username"`
	PageID          string   `json:"page_id,omitempty"`
	PageName        string   `json:"page_name,omitempty"`
	UserID          string   `json:"user_id,omitempty"`
	UserToken       string   `json:"user_token,omitempty"`
	PageToken       string   `json:"page_token,omitempty"`
	InstagramToken  string   `json:"instagram_token,omitempty"`
	Scopes          []string `json:"scopes,omitempty"`           // of the user and Page tokens
	InstagramScopes []string `json:"instagram_scopes,omitempty"` // of the Instagram token
}

// Info returns what a client needs to begin. Its secrets are those of a world that does not
// exist.
func (s *Sandbox) Info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := Info{
		AppID: s.app.ID, AppSecret: s.app.Secret,
		InstagramAppID: s.app.InstagramID, InstagramAppSecret: s.app.InstagramSecret,
		AppToken: s.app.ID + "|" + s.app.Secret, VerifyToken: s.app.VerifyToken,
		Accounts: []AccountInfo{},
	}
	for _, a := range s.st.world.Accounts {
		if one, ok := s.accountInfo(a); ok {
			info.Accounts = append(info.Accounts, one)
		}
	}
	return info
}

func (s *Sandbox) accountInfo(a *Account) (AccountInfo, bool) {
	one := AccountInfo{IGUserID: a.ID, Username: a.Username, PageID: a.PageID}
	if p := s.st.pages[a.PageID]; p != nil {
		one.PageName = p.Name
	}
	for _, t := range s.st.world.Tokens {
		u := s.st.users[t.UserID]
		switch {
		case t.Kind == UserToken && one.UserToken == "" && u != nil && a.PageID != "" && slices.Contains(u.Pages, a.PageID):
			one.UserID, one.UserToken, one.Scopes = u.ID, t.Value, slices.Clone(t.Scopes)
		case t.Kind == PageToken && one.PageToken == "" && a.PageID != "" && t.PageID == a.PageID:
			one.PageToken = t.Value
		case t.Kind == InstagramToken && one.InstagramToken == "" && t.AccountID == a.ID:
			one.InstagramToken, one.InstagramScopes = t.Value, slices.Clone(t.Scopes)
		}
	}
	return one, one.UserToken != "" || one.PageToken != "" || one.InstagramToken != ""
}
