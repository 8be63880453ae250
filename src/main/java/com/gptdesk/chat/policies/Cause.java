package com.gptdesk.chat.policies;

import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.database.migration.Drift;
import com.gptdesk.chat.database.migration.Manifest;
import com.gptdesk.chat.database.migration.Migrations.Platform;
import com.gptdesk.chat.database.migration.Precondition;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One thing that was changed, added or dropped by hand; attempts of the matrix are its symptoms.
 *
 * @param id what it is called in the file of accepted things
 * @param what a sentence
 * @param remedy what a DBA does about it; empty where the sentence says it
 * @param subjects the tables, functions and roles it is about
 */
public record Cause(String id, String what, String remedy, Set<String> subjects) {

  /**
   * All that is otherwise than the migrations made it, and every way round it.
   *
   * @param connection of anybody, in a transaction
   * @param accepted what a DBA did on purpose
   */
  public static List<Cause> of(Connection connection, Platform platform, Accepted accepted)
      throws SQLException {
    Manifest built = Manifest.built(platform);
    List<Cause> causes = new ArrayList<>();
    Set<String> told = new HashSet<>();
    for (Drift drift : built.drift(Manifest.of(connection, platform), accepted)) {
      causes.add(new Cause(drift.id(), drift.what(), "", drift.subjects()));
      told.addAll(drift.ids());
    }
    for (Exposure exposure : Exposure.of(connection, platform, built.publicNames())) {
      if (!told.contains(exposure.id()) && !accepted.covers(exposure.id())) {
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
