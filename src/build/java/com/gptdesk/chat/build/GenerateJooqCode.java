package com.gptdesk.chat.build;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Manifest;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jooq.Constants;
import org.jooq.codegen.GenerationTool;
import org.jooq.meta.jaxb.Configuration;
import org.jooq.meta.jaxb.Database;
import org.jooq.meta.jaxb.ForcedType;
import org.jooq.meta.jaxb.Generate;
import org.jooq.meta.jaxb.GeneratedSerialVersionUID;
import org.jooq.meta.jaxb.Generator;
import org.jooq.meta.jaxb.Jdbc;
import org.jooq.meta.jaxb.Logging;
import org.jooq.meta.jaxb.SchemaMappingType;
import org.jooq.meta.jaxb.Strategy;
import org.jooq.meta.jaxb.Target;

/**
 * Writes the jOOQ code, the manifests, and what clients see ({@link ClientContract}): starts an
 * empty PostgreSQL, migrates it with the real {@code db/} and reads its catalogue. Arguments: the
 * folder {@code db}, the build directory, and the project's version.
 *
 * <p>Does nothing when neither the migrations nor the generator, jOOQ's included, changed since the
 * last time.
 */
public final class GenerateJooqCode {

  /** The tables and functions that clients and backend teams work with. */
  private static final String PUBLIC_PACKAGE = "com.gptdesk.chat.jooq";

  /**
   * The few functions of our own schemas that only the service calls, and the settings it reads.
   */
  private static final String INTERNAL_PACKAGE = "com.gptdesk.chat.database.internal";

  private static final String MODEL = "com.gptdesk.chat.model.";

  private static final String INTERNAL_ROUTINES =
      """
      chat\\.(settings|apply_retention|claims_hold|call_statement|rows_statement|callable_functions|served_columns|row_functions|relationships|ensure_message_partitions|message_partitions_ahead|notification_queue_usage|changed_messages
      |come_online|go_offline|expire_typing|expire_presence|touch_presence|read_log|fill_webhook_events|take_webhook_events|finish_webhook_event|fail_webhook_event|drop_dead_letters|webhook_figures
      |claim_upload|finish_upload|abandon_upload|take_file_removals|finish_file_removals|sweep_files|file_figures
      |set_push_key|queue_push_notices|take_push_notices|finish_push_notice|sweep_push_subscriptions
      |lock_people|person_called|store_person|provisioned|provision_person|remove_provisioned)
      |relay\\.(open|tail|claim_slot|sleep|wake|audience_of_person|published_columns|maintain|log_state
      |audience_of_topic|may_use_topic|send|presence_of|track|untrack|track_again|touch_node|forget_node|expire_nodes)
      """;

  /** Not granted for SELECT, and a DAO names every column. */
  private static final String HIDDEN_COLUMNS =
      "public\\.user_presence\\.(is_typing_to|typing_started_at|current_page)"
          + "|public\\.push_subscriptions\\.(p256dh|auth)";

  private static final String PARTITIONS = "public\\.user_messages_.*";

  private GenerateJooqCode() {}

  public static void main(String[] arguments) throws Exception {
    System.setProperty("org.jooq.no-logo", "true");
    System.setProperty("org.jooq.no-tips", "true");
    Path db = Path.of(arguments[0]);
    Path build = Path.of(arguments[1]);
    Path output = build.resolve("generated-sources/jooq");
    Path manifests = build.resolve("generated-resources");
    Path mark = build.resolve("generated-sources/jooq.sha256");
    if (!Files.exists(db.resolve("tables"))) {
      System.out.println("No db/tables yet: no jOOQ code to generate.");
      return;
    }
    Path copy = build.resolve("classes/db");
    deleteWhatIsGone(db, copy);
    Path types = build.resolve("generated-types/database.ts");
    String version = arguments[2];
    String digest =
        String.join(
            " ", digestOf(db, build.resolve("generator-classes")), version, Constants.FULL_VERSION);
    if (Files.exists(mark)
        && Files.exists(manifests)
        && Files.exists(types)
        && Files.readString(mark).equals(digest)) {
      return;
    }
    System.out.println("Generating the jOOQ code from db/ ...");
    Files.deleteIfExists(mark); // or a failure would leave it to what is deleted next
    deleteTree(output);
    // What was renamed or dropped would stay there otherwise.
    deleteTree(copy);
    deleteTree(build.resolve("classes").resolve(PUBLIC_PACKAGE.replace('.', '/')));
    deleteTree(build.resolve("classes").resolve(INTERNAL_PACKAGE.replace('.', '/')));
    try (EmbeddedDatabase database = EmbeddedDatabase.temporary(false)) {
      new Migrations(database.owner(), Platform.STANDALONE, "filesystem:" + db.toAbsolutePath())
          .migrate();
      writeManifests(database.owner(), db, manifests);
      ClientContract.write(database.owner(), version, manifests.resolve("openapi.json"), types);
      addForeignKeysOfTheCodeAlone(database.owner());
      generate(database.owner(), publicSchema(), PUBLIC_PACKAGE, true, output);
      generate(database.owner(), internalRoutines(), INTERNAL_PACKAGE, false, output);
    }
    Files.writeString(mark, digest);
  }

  /** What the chat has on an existing platform is what it has here without the platform's part. */
  private static void writeManifests(Login owner, Path db, Path folder)
      throws IOException, SQLException {
    Files.createDirectories(folder);
    String query = Files.readString(db.resolve("manifest.sql"));
    Map<Platform, Manifest> made = new EnumMap<>(Platform.class);
    for (Platform platform : Platform.values()) {
      made.put(platform, Manifest.of(owner, platform, query));
    }
    makeAnewAsARestoreDoes(owner);
    for (Platform platform : Platform.values()) {
      made.get(platform)
          .alsoAs(Manifest.of(owner, platform, query))
          .write(folder.resolve("manifest-%s.txt".formatted(platform)));
    }
  }

  /**
   * Makes everything with an expression anew from what PostgreSQL says that it is, which is all
   * that a dump has of it.
   */
  private static void makeAnewAsARestoreDoes(Login owner) throws SQLException {
    try (Connection connection = owner.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          """
          set search_path = pg_catalog;
          do $$
          declare
            remade text;
          begin
            for remade in
              select format('alter table %1$s drop constraint %2$I; alter table %1$s add constraint %2$I %3$s',
                k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
              from pg_constraint k
              where k.contype = 'c' and k.coninhcount = 0 and k.connamespace::regnamespace::text in ('public', 'chat', 'relay')
              union all
              select format('drop trigger %I on %s; %s', g.tgname, g.tgrelid::regclass, pg_get_triggerdef(g.oid))
              from pg_trigger g
              join pg_class c on c.oid = g.tgrelid
              where not g.tgisinternal and g.tgparentid = 0 and c.relnamespace::regnamespace::text in ('public', 'chat', 'relay')
              union all
              select format('alter policy %I on %s%s%s', p.polname, p.polrelid::regclass,
                ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
              from pg_policy p
              union all
              select format('create or replace view %s%s as %s', c.oid::regclass,
                ' with (' || array_to_string(c.reloptions, ', ') || ')', pg_get_viewdef(c.oid))
              from pg_class c
              where c.relkind = 'v' and c.relnamespace::regnamespace::text in ('public', 'chat', 'relay')
              union all
              select pg_get_functiondef(p.oid)
              from pg_proc p
              where p.prosqlbody is not null and p.pronamespace::regnamespace::text in ('public', 'chat', 'relay')
            loop
              execute remade;
            end loop;
          end
          $$
          """);
    }
  }

  /**
   * The database keeps no foreign key from messages to people (docs/decisions says why); the code
   * may join by it all the same, as the clients of {@code chat.declared_relationships()} do. jOOQ's
   * own synthetic foreign keys are not in its open source edition.
   */
  private static void addForeignKeysOfTheCodeAlone(Login owner) throws SQLException {
    try (Connection connection = owner.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          """
          do $$
          declare
            added text;
          begin
            for added in
              select format('alter table public.%I add constraint %I foreign key (%I) references public.%I (%I)',
                d.table_name, d.name, d.column_name, d.target_name, d.target_column)
              from chat.declared_relationships() d
              where d.table_name = 'user_messages'
            loop
              execute added;
            end loop;
          end
          $$
          """);
    }
  }

  private static Database publicSchema() {
    return new Database()
        .withName(ChatCatalogue.class.getName())
        .withInputSchema("public")
        .withExcludes(PARTITIONS + "|" + HIDDEN_COLUMNS)
        .withIncludeExcludeColumns(true)
        .withIncludeRoutines(true)
        .withIncludeTriggerRoutines(false)
        .withForcedTypes(
            json("read_by", "java.util.List<java.util.UUID>", "readBy()"),
            json("sender", MODEL + "Person", "sender()"),
            json("reactions", "java.util.List<" + MODEL + "Reaction>", "reactions()"),
            json("other_user", MODEL + "OtherUser", "otherUser()"),
            json("last_message", MODEL + "LastMessage", "lastMessage()"),
            // Muted for good: jOOQ itself cannot read infinity.
            new ForcedType()
                .withUserType("java.time.OffsetDateTime")
                .withBinding(MODEL + "InfinityTimestamp")
                .withIncludeExpression("public\\..*\\.(muted_until|until)"));
  }

  /** A JSON column, wherever it occurs, as what it holds. */
  private static ForcedType json(String column, String type, String converter) {
    return new ForcedType()
        .withUserType(type)
        .withConverter(MODEL + "JsonColumns." + converter)
        .withIncludeTypes("jsonb")
        .withIncludeExpression("public\\..*\\." + column);
  }

  private static Database internalRoutines() {
    return new Database()
        .withName("org.jooq.meta.postgres.PostgresDatabase")
        .withSchemata(
            new SchemaMappingType().withInputSchema("chat"),
            new SchemaMappingType().withInputSchema("relay"))
        .withIncludes(INTERNAL_ROUTINES)
        .withIncludeSequences(false)
        .withIncludeUDTs(false)
        .withIncludeDomains(false)
        .withIncludeRoutines(true);
  }

  private static void generate(
      Login owner, Database database, String packageName, boolean values, Path output)
      throws Exception {
    GenerationTool.generate(
        new Configuration()
            .withLogging(Logging.WARN)
            .withJdbc(
                new Jdbc()
                    .withUrl(owner.url())
                    .withUser(owner.user())
                    .withPassword(owner.password()))
            .withGenerator(
                new Generator()
                    .withName(ChatCode.class.getName())
                    .withStrategy(new Strategy().withName(DomainNames.class.getName()))
                    .withDatabase(database)
                    .withGenerate(
                        new Generate()
                            .withPojos(values)
                            .withDaos(values)
                            .withPojosAsJavaRecordClasses(values)
                            // They call methods of DSL that jOOQ 3.21 has no longer.
                            .withWhereMethodOverrides(false)
                            .withComments(true)
                            .withJavaTimeTypes(true)
                            .withGeneratedAnnotation(false)
                            .withGeneratedSerialVersionUID(GeneratedSerialVersionUID.CONSTANT))
                    .withTarget(
                        new Target()
                            .withPackageName(packageName)
                            .withDirectory(output.toString())
                            .withClean(false))));
  }

  /** Of the migrations and of the classes that do this work. */
  private static String digestOf(Path... folders) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    for (Path folder : folders) {
      List<Path> files;
      try (Stream<Path> walk = Files.walk(folder)) {
        files =
            walk.filter(Files::isRegularFile)
                .filter(file -> isInput(folder, file))
                .sorted()
                .toList();
      }
      for (Path file : files) {
        digest.update(folder.relativize(file).toString().getBytes(StandardCharsets.UTF_8));
        digest.update(Files.readAllBytes(file));
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static boolean isInput(Path folder, Path file) {
    String name = folder.relativize(file).toString();
    return name.endsWith(".sql")
        ? name.indexOf('/') > 0 || name.equals("manifest.sql")
        : name.endsWith(".class");
  }

  /** Maven copies and never deletes: a migration that was removed would still be applied. */
  private static void deleteWhatIsGone(Path original, Path copy) throws IOException {
    if (Files.exists(copy)) {
      try (Stream<Path> walk = Files.walk(copy)) {
        for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
          if (!Files.exists(original.resolve(copy.relativize(path)))) {
            Files.delete(path);
          }
        }
      }
    }
  }

  private static void deleteTree(Path root) throws IOException {
    if (Files.exists(root)) {
      try (Stream<Path> walk = Files.walk(root)) {
        for (Path path : walk.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }
}
