package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Many more pairs in one database than the ground has, in teams of a given size. */
final class Crowd {
  private Crowd() {}

  /** Adds so many pairs, so many of them in each team. */
  static List<Pair> join(Ground ground, String database, int pairs, int pairsOfTeam)
      throws SQLException {
    Ground.execute(
        ground.owner(database),
        """
        insert into public.teams (id, name)
        select %4$s, 'Crowd ' || i from generate_series(0, (%5$d - 1) / %6$d) i;
        insert into public.users (id, full_name, email, team_id)
        select person.id, person.side || i, person.side || i || '@crowd.example', (select %4$s from (select i / %6$d) team (i))
        from generate_series(0, %5$d - 1) i
        cross join lateral (values (%1$s, 'one'), (%2$s, 'other')) person (id, side);
        insert into public.user_conversations (id, participant_1_id, participant_2_id, created_by)
        select %3$s, %1$s, %2$s, %1$s from generate_series(0, %5$d - 1) i;
        analyze public.teams, public.users, public.user_conversations;
        """
            .formatted(sql(0xd), sql(0xe), sql(0xf), sql(0x10), pairs, pairsOfTeam));
    List<Pair> made = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      made.add(new Pair(Ground.id(0xd, i), Ground.id(0xe, i), Ground.id(0xf, i)));
    }
    return made;
  }

  /** The team that the pair with this number is in. */
  static UUID team(int pair, int pairsOfTeam) {
    return Ground.id(0x10, pair / pairsOfTeam);
  }

  /** As {@link Ground#id}, of the number {@code i}. */
  private static String sql(int kind) {
    return "('%08x-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid".formatted(kind);
  }
}
