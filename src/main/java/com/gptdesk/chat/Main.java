package com.gptdesk.chat;

import com.gptdesk.chat.database.DatabaseUnavailable;
import com.gptdesk.chat.database.Migrations;
import com.gptdesk.chat.database.Migrations.Platform;
import com.gptdesk.chat.database.Precondition;
import com.gptdesk.chat.policies.PolicyReport;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The commands. What they work on comes from the environment ({@link Config}); they end with 0 when
 * all is well, 1 when the answer is no, 2 when they were asked wrongly.
 */
@Command(
    name = "gptdesk-chat",
    description = "One-to-one chat in real time; PostgreSQL decides who may do and see what.",
    mixinStandardHelpOptions = true,
    version = "GPT Desk Chat 0.1.0",
    subcommands = CommandLine.HelpCommand.class,
    synopsisSubcommandLabel = "COMMAND")
public final class Main {

  private static final Logger LOG = LoggerFactory.getLogger(Main.class);

  private Main() {}

  public static void main(String[] arguments) {
    CommandLine commands =
        new CommandLine(new Main())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setExecutionExceptionHandler((failure, command, result) -> explain(failure));
    Objects.requireNonNull(commands.getSubcommands().get("serve"))
        .getCommandSpec()
        .usageMessage()
        .footer("%nEnvironment variables:", Setting.help().replace("%", "%%"));
    System.exit(commands.execute(arguments));
  }

  @Command(description = "Serve the chat; migrates first where it may.")
  int serve(
      @Option(
              names = "--demo",
              description = "People to be, without a login; on the embedded PostgreSQL alone.")
          boolean demo,
      @Option(names = "--port", description = "Port to listen on (CHAT_PORT, else 8080).")
          @Nullable Integer port,
      @Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    CountDownLatch stopped = new CountDownLatch(1);
    Config config = Config.of(System.getenv());
    Setting.printed(System.getenv()).forEach(LOG::info);
    Service service = Service.start(config, platform, demo, port);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  LOG.info("Stopping");
                  service.close();
                  LOG.info("Stopped");
                  stopped.countDown();
                },
                "shutdown"));
    stopped.await();
    return 0;
  }

  @Command(description = "Bring the database to where db/ says it should be.")
  int migrate(@Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    Config config = Config.of(System.getenv());
    try (Database database = Database.open(config)) {
      Migrations migrations = Migrations.of(database.requireOwner(), platform);
      System.out.println("Applied " + migrations.migrate() + " migrations.");
      migrations.write(config.maxMessageLength(), config.typingTimeout());
      database.admitService();
    }
    return 0;
  }

  @Command(
      description =
          "Show the platform, which migrations were applied or are pending, and what is missing.")
  int info(@Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    try (Database database = Database.open(Config.of(System.getenv()))) {
      Migrations migrations = Migrations.of(database.ownerOrService(), platform);
      System.out.println(migrations.summary());
      System.out.println(migrations.info());
      migrations.preconditions().forEach(System.out::println);
    }
    return 0;
  }

  @Command(
      description =
          "Compare the database with db/; ends with 1 when they differ, or when something is missing"
              + " that migrating needs.")
  int validate(@Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    try (Database database = Database.open(Config.of(System.getenv()))) {
      Migrations migrations = Migrations.of(database.ownerOrService(), platform);
      System.out.println(migrations.summary());
      List<String> differences = migrations.differences();
      List<Precondition> unmet = migrations.preconditions();
      differences.forEach(System.out::println);
      unmet.forEach(System.out::println);
      if (differences.isEmpty()) {
        System.out.println("The database is where db/ says it should be.");
      }
      return differences.isEmpty() && unmet.stream().noneMatch(Precondition::stops) ? 0 : 1;
    }
  }

  @Command(
      name = "verify-policies",
      description =
          "Try the policy matrix (db/policies.md) as everybody, rolled back; ends with 1 on a difference.")
  int verifyPolicies() throws Exception {
    try (Database database = Database.open(Config.of(System.getenv()))) {
      return PolicyReport.of(database.requireOwner()).print(System.out) ? 0 : 1;
    }
  }

  private static final String PLATFORM =
      "standalone: db/platform makes roles, teams and users. existing: GPT Desk or Supabase has them"
          + " already. Default: as the database was made; standalone for an empty one.";

  /** What a person can mend is told in a sentence; a fault with all that is known. */
  private static int explain(Exception failure) {
    switch (failure) {
      case Config.Invalid invalid -> invalid.problems().forEach(System.err::println);
      case DatabaseUnavailable away ->
          System.err.println(away.getMessage() + ": " + reason(away.getCause()));
      case FlywayException failed -> System.err.println(failed.getMessage());
      case IllegalStateException refused when refused.getCause() == null ->
          System.err.println(refused.getMessage());
      default -> LOG.error("This went wrong", failure);
    }
    return failure instanceof Config.Invalid ? 2 : 1;
  }

  private static String reason(@Nullable Throwable cause) {
    return cause == null ? "no reason known" : String.valueOf(cause.getMessage());
  }
}
