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

func (b *seeder) stories(n int) {
	step := 20 * time.Hour / time.Duration(n)
	for i := range n {
		m := &Media{
			ID: fmt.Sprintf("180230000%08d", i+1), OwnerID: SeedAccountID, Type: "IMAGE", Product: "STORY",
			At: b.ago(10*time.Minute + time.Duration(i)*step), Viewers: 40 + i%60,
			Insights: storyInsights(40 + i%60),
		}
		if i%3 == 1 {
			m.Type = "VIDEO"
		}
		if i%5 == 0 {
			m.Caption = fmt.Sprintf("Story %d of the day", i+1)
		}
		b.add(m)
	}
	few := b.add(&Media{
		ID: "18023000100000001", OwnerID: SeedThirdAccountID, Type: "IMAGE", Product: "STORY", At: b.ago(time.Hour), Viewers: 3,
		Insights: storyInsights(3),
	})
	few.Caption = "Hardly anybody has seen this"
	b.add(&Media{
		ID: "18023000100000002", OwnerID: SeedSecondAccountID, Type: "IMAGE", Product: "STORY", At: b.ago(2 * time.Hour), Viewers: 55,
		Insights: storyInsights(55),
	})
	b.add(&Media{ // expired before the world began
		ID: "18023000100000003", OwnerID: SeedAccountID, Type: "IMAGE", Product: "STORY", At: b.ago(26 * time.Hour), Viewers: 80,
		Insights: storyInsights(80),
	})
}

func storyInsights(viewers int) map[string]int {
	return map[string]int{
		"reach": viewers, "views": viewers + viewers/3, "impressions": viewers + viewers/3, "replies": viewers / 12, "shares": viewers / 15, "reposts": 0,
		"total_interactions": viewers / 6, "follows": viewers / 40, "profile_visits": viewers / 9, "profile_activity": viewers / 20,
		"navigation": viewers, "taps_forward": viewers / 2, "taps_back": viewers / 10, "exits": viewers / 8,
	}
}

func (b *seeder) posts(n int) {
	for i := range n {
		m := &Media{
			ID: fmt.Sprintf("17900001%09d", i+1), OwnerID: SeedAccountID, Type: "IMAGE", Product: "FEED",
			At: b.ago(time.Duration(i+1) * 25 * time.Hour), Likes: 300 + 13*i, Viewers: 2000,
			Caption: fmt.Sprintf("Cup number %d \u2764\ufe0f #coffee", i+1), Insights: postInsights(300 + 13*i),
		}
		switch i % 6 {
		case 1:
			m.Type, m.Product, m.ToFeed = "VIDEO", "REELS", true
		case 2:
			b.carousel(m)
		case 3:
			m.AltText = "A cup of coffee on a table"
			m.Products = []ProductTag{{ProductID: "3231000000000001", X: 0.4, Y: 0.6}}
		case 4:
			m.HidesLikes = true
		}
		if i == 5 {
			m.Copyrighted = true
		}
		if i == 7 {
			m.CommentsOff, m.OnFacebook = true, true
		}
		b.add(m)
		b.comments(m, i)
	}
	b.otherPosts()
}

func postInsights(likes int) map[string]int {
	return map[string]int{
		"reach": likes * 9, "views": likes * 14, "impressions": likes * 15, "likes": likes, "comments": likes / 20, "saved": likes / 15, "shares": likes / 30,
		"reposts": likes / 100, "total_interactions": likes + likes/8, "follows": likes / 90, "profile_visits": likes / 12, "profile_activity": likes / 50,
		"ig_reels_avg_watch_time": 7_300, "ig_reels_video_view_total_time": likes * 90_000, "reels_skip_rate": 31, "crossposted_views": likes * 15, "facebook_views": likes,
		"plays": likes * 14, "engagement": likes + likes/8, "video_views": likes * 13,
	}
}

func (b *seeder) carousel(m *Media) {
	m.Type = "CAROUSEL_ALBUM"
	for k := range 3 {
		child := &Media{
			ID: m.ID[:8] + "9" + m.ID[9:16] + fmt.Sprint(k), OwnerID: m.OwnerID, Type: "IMAGE", Product: "FEED", At: m.At, ParentID: m.ID,
		}
		child.ID = "178" + child.ID[3:8] + fmt.Sprint(k) + m.ID[9:]
		if k == 1 {
			child.Type = "VIDEO"
		}
		m.Children = append(m.Children, child.ID)
		b.add(child)
	}
}

// comments gives the first post more comments than a page has, and some posts a few.
func (b *seeder) comments(m *Media, i int) {
	if i > 11 {
		return
	}
	n := 3
	if i == 0 {
		n = 60
	}
	for k := range n {
		p := b.w.People[(i+k)%14]
		c := &Comment{
			ID: fmt.Sprintf("178%02d%09d%03d", i, k+1, 7), MediaID: m.ID, FromID: p.ID, Text: fmt.Sprintf("Comment %d, love it \u2764\ufe0f", k+1),
			At: m.At.Add(time.Duration(k+1) * time.Minute), Likes: k % 4,
		}
		b.w.Comments = append(b.w.Comments, c)
		if k == 1 {
			b.w.Comments = append(b.w.Comments, &Comment{
				ID: c.ID[:14] + "990", MediaID: m.ID, ParentID: c.ID, FromID: SeedAccountID, Text: "Thank you!", At: c.At.Add(time.Minute),
			})
		}
	}
}

func (b *seeder) otherPosts() {
	for i := range 6 {
		b.add(&Media{
			ID: fmt.Sprintf("17900002%09d", i+1), OwnerID: SeedSecondAccountID, Type: "IMAGE", Product: "FEED", At: b.ago(time.Duration(i+2) * 31 * time.Hour),
			Likes: 20 + i, Caption: fmt.Sprintf("Chart %d", i+1), Insights: postInsights(20 + i),
		})
		b.add(&Media{
			ID: fmt.Sprintf("17900003%09d", i+1), OwnerID: SeedThirdAccountID, Type: "IMAGE", Product: "FEED", At: b.ago(time.Duration(i+2) * 29 * time.Hour),
			Likes: 30 + i, Caption: fmt.Sprintf("Shirt %d #coast", i+1), Insights: postInsights(30 + i),
		})
	}
	for i := range 5 {
		m := &Media{
			ID: fmt.Sprintf("17900004%09d", i+1), OwnerID: "17841400000000004", Type: "IMAGE", Product: "FEED", At: b.ago(time.Duration(i+2) * 27 * time.Hour),
			Likes: 9000 + i, Caption: fmt.Sprintf("Mountain %d #coast", i+1), Insights: postInsights(9000),
		}
		if i == 1 {
			m.Type, m.Product, m.HidesLikes = "VIDEO", "REELS", true
		}
		if i == 0 || i == 2 {
			m.Collabs = []Collaborator{{ID: SeedAccountID, Username: "bluebottle", Status: "Pending"}}
		}
		b.add(m)
	}
	b.add(&Media{
		ID: "17900005000000001", OwnerID: SeedAccountID, Type: "BROADCAST", Product: "LIVE", At: b.ago(20 * time.Minute), Ends: b.at.Add(time.Hour),
		Caption: "Cupping, live", Viewers: 210,
	})
}

// mentions are those of Meta's documents, and photos in which @bluebottle is tagged.
func (b *seeder) mentions() {
	highlander := b.person("highlander").ID
	b.add(&Media{
		ID: SeedMentionMediaID, OwnerID: highlander, Type: "IMAGE", Product: "FEED", At: time.Date(2018, time.March, 9, 19, 16, 8, 0, time.UTC),
		Caption: "@bluebottle There can be only one!", Likes: 12,
	})
	b.w.Comments = append(b.w.Comments, &Comment{
		ID: SeedMentionID, MediaID: SeedMentionMediaID, FromID: b.person("jane_doe").ID, Text: "@bluebottle challenge?",
		At: time.Date(2018, time.March, 20, 0, 5, 29, 0, time.UTC), Likes: 2,
	})
	for i, name := range []string{"bob", "mei.lin", "zoe.m", "private_pia"} {
		b.add(&Media{
			ID: fmt.Sprintf("17900006%09d", i+1), OwnerID: b.person(name).ID, Type: "IMAGE", Product: "FEED", At: b.ago(time.Duration(i+1) * 50 * time.Hour),
			Caption: "Morning #coffee", Likes: 5 + i, Tags: []UserTag{{Username: "bluebottle", X: 0.5, Y: 0.4}},
		})
	}
}

func (b *seeder) hashtags() {
	for i, name := range []string{"coffee", "coast", "bluebottle", "coke"} {
		b.w.Hashtags = append(b.w.Hashtags, &Hashtag{ID: fmt.Sprintf("178415937%08d", i+1), Name: name})
	}
	b.w.Hashtags = append(b.w.Hashtags, &Hashtag{ID: "17841593700000099", Name: "sensitive", Sensitive: true})
	for i := range 60 { // more than a page of media for one hashtag
		p := b.w.People[i%14]
		b.add(&Media{
			ID: fmt.Sprintf("17900007%09d", i+1), OwnerID: p.ID, Type: "IMAGE", Product: "FEED", At: b.ago(time.Duration(i) * 20 * time.Minute),
			Caption: fmt.Sprintf("Drink %d #coke", i+1), Likes: (i * 7) % 50,
		})
	}
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
