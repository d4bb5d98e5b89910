package sandbox

import (
	"fmt"
	"time"
)

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
