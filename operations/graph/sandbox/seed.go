package sandbox

import (
	"fmt"
	"slices"
	"time"
)

// Ids of the seed world that documents and tests name.
const (
	SeedAccountID       = "17841405726653026" // @bluebottle
	SeedPageID          = "134895793791914"   // its Page
	SeedMentionMediaID  = "17918195224117851" // a post of another that names @bluebottle in its caption
	SeedMentionID       = "17894227972186120" // a comment there that names @bluebottle
	SeedSecondAccountID = "17841400000000002" // @metricsaurus, Instagram Login only
	SeedThirdAccountID  = "17841400000000003" // @originalcoast, a second Page of the same user
)

// A Seed makes worlds by code: the same one for the same Seed.
type Seed struct {
	// At is the world's present; zero: SeedTime. Live stories are of the 20 hours before it.
	At time.Time
	// Stories is how many live stories @bluebottle has; 0: 30, which makes 2 pages of 25
	// and 3 of 10.
	Stories int
	// Media is how many posts @bluebottle has; 0: 36.
	Media int
}

// SeedWorld is the world of the zero Seed.
func SeedWorld() *World { return Seed{}.World() }

// World builds the world.
func (s Seed) World() *World {
	if s.At.IsZero() {
		s.At = SeedTime
	}
	if s.Stories == 0 {
		s.Stories = 30
	}
	if s.Media == 0 {
		s.Media = 36
	}
	b := seeder{at: s.At.UTC().Truncate(time.Second), w: &World{}}
	b.app()
	b.accounts()
	b.people()
	b.stories(s.Stories)
	b.posts(s.Media)
	b.mentions()
	b.hashtags()
	b.shop()
	b.threads()
	b.tokens()
	return b.w
}

type seeder struct {
	w  *World
	at time.Time
}

func (b *seeder) add(m *Media) *Media {
	if m.Shortcode == "" && m.ParentID == "" {
		m.Shortcode = shortcode(m.ID)
	}
	b.w.Media = append(b.w.Media, m)
	return m
}

func (b *seeder) ago(d time.Duration) time.Time { return b.at.Add(-d) }

func (b *seeder) app() {
	b.w.App = App{
		ID: "900000000000001", Secret: "0123456789abcdef0123456789abcdef", Name: "Storyloop Sandbox",
		InstagramID: "910000000000001", InstagramSecret: "fedcba9876543210fedcba9876543210",
		VerifyToken: "sandbox-verify-token",
	}
}

func (b *seeder) accounts() {
	tasks := []string{"ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"}
	b.w.Users = []*User{
		{ID: "10100000000000001", Name: "Maya Roaster", Email: "maya@example.com", Pages: []string{SeedPageID, "100200300400501", "100200300400502"}},
	}
	b.w.Pages = []*Page{
		{ID: SeedPageID, Name: "Blue Bottle Coffee", Category: "Coffee shop", AccountID: SeedAccountID, Tasks: tasks, Installed: []string{"feed"}},
		{ID: "100200300400501", Name: "Original Coast Clothing", Category: "Clothing store", AccountID: SeedThirdAccountID, Tasks: slices.Clone(tasks), HasLocation: true},
		{ID: "100200300400502", Name: "A Page Without Instagram", Category: "Community", Tasks: []string{"PROFILE_PLUS_FULL_CONTROL", "PROFILE_PLUS_MESSAGING"}},
	}
	insights := func(scale int) map[string]int {
		return map[string]int{
			"reach": 1200 * scale, "views": 3400 * scale, "accounts_engaged": 210 * scale, "total_interactions": 530 * scale,
			"likes": 400 * scale, "comments": 60 * scale, "saves": 45 * scale, "shares": 25 * scale, "replies": 12 * scale, "reposts": 4 * scale,
			"profile_links_taps": 18 * scale, "follows_and_unfollows": 33 * scale, "follower_count": 14 * scale,
			"impressions": 4100 * scale, "profile_views": 90 * scale, "website_clicks": 21 * scale,
		}
	}
	b.w.Accounts = []*Account{
		{
			ID: SeedAccountID, ScopedID: "26000000000000001", Username: "bluebottle", Name: "Blue Bottle Coffee",
			Biography: "Delicious coffee, in the shop and at home \u2615\ufe0f", Website: "https://bluebottle.example/", Type: "Business",
			LegacyID: "5726653026", PageID: SeedPageID, Followers: 267788, Follows: 121, CatalogIDs: []string{"960000000000001"}, Insights: insights(7),
		},
		{
			ID: SeedSecondAccountID, ScopedID: "26000000000000002", Username: "metricsaurus", Name: "Metricsaurus", Biography: "Dino data crunching app",
			Website: "https://metricsaurus.example/", Type: "Media_Creator", LegacyID: "5822304914", Followers: 4120, Follows: 77,
			Installed: []string{"comments", "messages"}, Insights: insights(2),
		},
		{
			ID: SeedThirdAccountID, ScopedID: "26000000000000003", Username: "originalcoast", Name: "Original Coast Clothing", Type: "Business",
			Biography: "Clothes for the coast", LegacyID: "5822304915", PageID: "100200300400501", Followers: 83, Follows: 12, Insights: insights(1),
		},
		{
			ID: "17841400000000004", Username: "natgeo_sandbox", Name: "Sandbox Geographic", Biography: "Far away", Type: "Business",
			LegacyID: "5822304916", Followers: 1_205_000, Follows: 9,
		},
		{ID: "17841400000000005", Username: "agegated", Name: "Only for adults", Type: "Business", Followers: 10, AgeGated: true},
	}
}

func (b *seeder) people() {
	names := []string{
		"jane_doe", "bob", "ana.lucia", "karl_otto", "mei.lin", "omar88", "sofia_r", "tom.w", "uma_k", "victor.h",
		"wanda", "xavi", "yuki", "zoe.m", "private_pia", "highlander",
	}
	for i, name := range names {
		p := &Person{
			ID: fmt.Sprintf("5000000000%03d", i+1), Username: name, Name: upperFirst(name), Followers: 100 + 37*i,
			IGSIDs: map[string]string{SeedAccountID: fmt.Sprintf("77000000000000%02d", i+1)},
		}
		if i%3 == 0 {
			p.Follows = []string{SeedAccountID}
		}
		b.w.People = append(b.w.People, p)
	}
	b.person("private_pia").Private = true
	b.person("zoe.m").Verified = true
}

func (b *seeder) person(username string) *Person {
	i := slices.IndexFunc(b.w.People, func(p *Person) bool { return p.Username == username })
	return b.w.People[i]
}

func (b *seeder) shop() {
	catalog := &Catalog{ID: "960000000000001", Name: "Blue Bottle Shop", ShopName: "Blue Bottle"}
	for i, name := range []string{"Summer Dress", "Coffee Cup", "Coffee Beans", "Filter Paper"} {
		id := fmt.Sprintf("32310000000000%02d", i+1)
		catalog.Products = append(catalog.Products, Product{
			ID: jsonNumber(id), Name: name, RetailerID: fmt.Sprintf("SKU-%d", i+1), ImageURL: "https://cdn.example/" + id + ".jpg",
			Price: fmt.Sprintf("$%d.99", 79-20*i), Review: "approved",
		})
	}
	catalog.Products[3].Review = "rejected"
	b.w.Catalogs = []*Catalog{catalog}
}

// threads are conversations of @bluebottle: one long and open, one whose window has closed,
// and some short ones.
func (b *seeder) threads() {
	for i, p := range b.w.People[:8] {
		age := time.Duration(i) * 14 * time.Hour
		t := &Thread{ID: threadID(SeedAccountID, p.ID), AccountID: SeedAccountID, PersonID: p.ID}
		n := 2 + i%3
		if i == 0 {
			n = 27 // more than the 20 that can be read
		}
		for k := range n {
			m := &Message{
				ID: messageID(SeedAccountID, p.ID, k+1), FromID: p.ID, Text: fmt.Sprintf("Message %d, is size M there?", k+1),
				At: b.ago(age + 30*time.Minute + time.Duration(n-k)*time.Minute),
			}
			if k%2 == 1 {
				m.FromID, m.Text = SeedAccountID, "Yes, it is."
			}
			t.Messages = append(t.Messages, m)
		}
		b.w.Threads = append(b.w.Threads, t)
	}
}

// SeedScopes and SeedInstagramScopes are what the seed world's tokens were granted.
func seedScopes() []string {
	return []string{
		"pages_show_list", "pages_read_engagement", "pages_manage_metadata", "business_management", "instagram_basic", "instagram_manage_comments",
		"instagram_manage_insights", "instagram_content_publish", "instagram_manage_messages", "instagram_manage_contents",
		"instagram_manage_engagement", "catalog_management", "instagram_shopping_tag_products",
	}
}

func seedInstagramScopes() []string {
	return []string{
		"instagram_business_basic", "instagram_business_manage_messages", "instagram_business_manage_comments",
		"instagram_business_content_publish", "instagram_business_manage_insights",
	}
}

func (b *seeder) tokens() {
	user := b.w.Users[0]
	issued := b.ago(48 * time.Hour)
	base := Token{
		Kind: UserToken, UserID: user.ID, Issued: issued, Expires: issued.Add(longLife), DataAccessEnds: issued.Add(dataAccessLife),
		LongLived: true, Scopes: seedScopes(),
	}
	userToken := base
	userToken.Value = "EAAB" + secretText("seed user", 72)
	b.w.Tokens = append(b.w.Tokens, &userToken)
	for _, id := range user.Pages {
		page := base
		page.Kind, page.PageID, page.Expires = PageToken, id, time.Time{}
		page.Value = "EAAB" + secretText("seed page "+id, 72)
		b.w.Tokens = append(b.w.Tokens, &page)
	}
	for _, id := range []string{SeedAccountID, SeedSecondAccountID} {
		b.w.Tokens = append(b.w.Tokens, &Token{
			Kind: InstagramToken, AccountID: id, Issued: issued, Expires: issued.Add(longLife), LongLived: true,
			Scopes: seedInstagramScopes(), Value: "IGAAB" + secretText("seed instagram "+id, 72),
		})
	}
}
