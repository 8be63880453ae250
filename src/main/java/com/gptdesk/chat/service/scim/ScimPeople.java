package com.gptdesk.chat.service.scim;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.internal.chat.tables.records.ProvisionedRecord;
import com.gptdesk.chat.service.database.ServiceDatabase;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jooq.Configuration;
import org.jooq.JSONB;
import org.jspecify.annotations.Nullable;

/** The people of the database, as an identity provider reads and changes them. Thread-safe. */
public final class ScimPeople {
  private final ServiceDatabase chat;
  private final ScimSettings settings;

  /** Of this database, by these settings. */
  public ScimPeople(ServiceDatabase chat, ScimSettings settings) {
    this.chat = chat;
    this.settings = settings;
  }

  /** Some of all whom a list is of. */
  record Page(long total, List<ScimPerson> people) {}

  /**
   * Asks whether people are the chat's own.
   *
   * @throws IllegalStateException an existing platform has them, and what to do
   */
  public void demandOwn() {
    try {
      chat.as(
          Caller.service(),
          tx -> {
            Routines.lockPeople(tx.configuration());
            return null;
          });
    } catch (Refusal e) {
      throw new IllegalStateException(
          "CHAT_SCIM_TOKEN is set, but: " + e.getMessage() + " Unset it.", e);
    }
  }

  Page find(ScimFilter filter, long skipped, int count) {
    if (filter.isOfNobody()) {
      return new Page(0, List.of());
    }
    return chat.as(
        Caller.service(),
        tx -> {
          List<ProvisionedRecord> rows = rows(tx.configuration(), filter, skipped, count);
          if (!rows.isEmpty()) {
            return new Page(rows.getFirst().getTotal(), rows.stream().map(ScimPeople::of).toList());
          }
          List<ProvisionedRecord> first = rows(tx.configuration(), filter, 0, 1);
          return new Page(first.isEmpty() ? 0 : first.getFirst().getTotal(), List.of());
        });
  }

  ScimPerson of(UUID id) {
    return chat.as(Caller.service(), tx -> of(tx.configuration(), id));
  }

  /**
   * Adds a person, with a team where one is told or set.
   *
   * @throws Refusal another has the name, id or address
   */
  ScimPerson add(ScimUser user) {
    String team = user.team(settings.teamFrom());
    return chat.as(
        Caller.service(),
        tx -> store(tx.configuration(), null, user, team == null ? settings.team() : team));
  }

  /**
   * Replaces what was told.
   *
   * @param condition refuses to change somebody whom it does not know as they are now
   */
  ScimPerson replace(UUID id, ScimUser user, Consumer<ScimPerson> condition) {
    return chat.as(
        Caller.service(),
        tx ->
            store(
                tx.configuration(), locked(tx.configuration(), id, condition), user, teamOf(user)));
  }

  /** Changes what was told. */
  ScimPerson change(UUID id, Consumer<ScimUser> change, Consumer<ScimPerson> condition) {
    return chat.as(
        Caller.service(),
        tx -> {
          ScimPerson before = locked(tx.configuration(), id, condition);
          ScimUser user = ScimUser.of(before);
          change.accept(user);
          return store(tx.configuration(), before, user, teamOf(user));
        });
  }

  void remove(UUID id, Consumer<ScimPerson> condition) {
    chat.as(
        Caller.service(),
        tx -> {
          locked(tx.configuration(), id, condition);
          Routines.removeProvisioned(tx.configuration(), id);
          return null;
        });
  }

  /** Whom nobody else changes until the transaction ends. */
  private static ScimPerson locked(Configuration tx, UUID id, Consumer<ScimPerson> condition) {
    Routines.lockPeople(tx);
    ScimPerson person = of(tx, id);
    condition.accept(person);
    return person;
  }

  private @Nullable String teamOf(ScimUser user) {
    return user.team(settings.teamFrom());
  }

  private static ScimPerson store(
      Configuration tx, @Nullable ScimPerson before, ScimUser user, @Nullable String team) {
    String email = user.email();
    String fullName = user.fullName();
    if (before != null && email == null) {
      email = before.email();
    }
    if (email == null) {
      throw ScimError.invalidValue("There is no e-mail address: tell one in emails.");
    }
    if (before == null && fullName == null) {
      fullName = user.userName();
    }
    Boolean active = user.active();
    String picture = user.picture();
    if (picture == null && before != null && ScimUser.of(before).picture() != null) {
      picture = "";
    }
    UUID id =
        Routines.provisionPerson(
            tx,
            before == null ? null : before.id(),
            user.userName(),
            user.externalId(),
            email,
            fullName,
            picture,
            active == null ? before == null || before.isActive() : active,
            team,
            JSONB.valueOf(user.attributes()));
    return of(tx, id);
  }

  private static ScimPerson of(Configuration tx, UUID id) {
    List<ProvisionedRecord> rows = rows(tx, new ScimFilter(id, null, null, false), 0, 1);
    if (rows.isEmpty()) {
      throw new ScimError(404, null, "There is no person " + id + ".");
    }
    return of(rows.getFirst());
  }

  private static List<ProvisionedRecord> rows(
      Configuration tx, ScimFilter filter, long skipped, int count) {
    return Routines.provisioned(
        tx, filter.id(), filter.userName(), filter.externalId(), skipped, count);
  }

  private static ScimPerson of(ProvisionedRecord row) {
    return new ScimPerson(
        row.getId(),
        row.getName(),
        row.getExternal(),
        row.getEmail(),
        row.getFullName(),
        row.getIsActive(),
        row.getAttributes().data(),
        row.getCreatedAt(),
        row.getChangedAt());
  }
}
