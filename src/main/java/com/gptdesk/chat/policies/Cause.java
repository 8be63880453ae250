package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.database.migration.Drift;
import com.gptdesk.chat.database.migration.Manifest;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.database.migration.Precondition;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One manual change, addition or removal; attempts of the matrix show its symptoms.
 *
 * @param id its id in the file of accepted changes
 * @param the change as a sentence
 * @param remedy what a DBA should do; empty where the sentence says it
 * @param subjects the affected tables, functions and roles
 */
public record Cause(String id, String what, String remedy, Set<String> subjects) {

  /**
   * All differences from the migrations, and all other ways to the data.
   *
   * @param connection of any role, in a transaction
   * @param accepted the accepted changes
   */
  public static List<Cause> of(Connection connection, Platform platform, Accepted accepted)
      throws SQLException {
    Manifest built = Manifest.built(platform);
    List<Cause> causes = new ArrayList<>();
    Set<String> known = new HashSet<>();
    for (Drift drift : built.drift(Manifest.of(connection, platform), accepted)) {
      causes.add(new Cause(drift.id(), drift.what(), "", drift.subjects()));
      known.addAll(drift.ids());
    }
    for (Exposure exposure : Exposure.of(connection, platform, built.publicNames())) {
      if (!known.contains(exposure.id()) && !accepted.covers(exposure.id())) {
        causes.add(new Cause(exposure.id(), exposure.what(), exposure.remedy(), Set.of()));
      }
    }
    return causes;
  }

  /** What the platform lets clients do. */
  static Cause of(Precondition unsafe) {
    return new Cause(unsafe.what(), unsafe.what(), unsafe.remedy(), Set.of());
  }

  @Override
  public String toString() {
    return "%s%s%s"
        .formatted(
            what, what.equals(id) ? "" : " [" + id + "]", remedy.isEmpty() ? "" : " " + remedy);
  }
}
