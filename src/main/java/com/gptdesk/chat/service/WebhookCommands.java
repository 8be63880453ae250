package com.gptdesk.chat.service;

import com.gptdesk.chat.service.webhooks.Webhooks;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code webhooks …}: which other systems are told of changes, and what they did not take. */
@Command(
    name = "webhooks",
    description = "Tell other systems of changes: add, list, pause and test webhooks.",
    mixinStandardHelpOptions = true,
    version = Main.VERSION,
    subcommands = {
      WebhookCommands.Add.class,
      WebhookCommands.Show.class,
      WebhookCommands.Remove.class,
      WebhookCommands.Pause.class,
      WebhookCommands.Resume.class,
      WebhookCommands.Test.class,
      WebhookCommands.Rotate.class,
      WebhookCommands.Dead.class,
      WebhookCommands.Retry.class
    },
    synopsisSubcommandLabel = "COMMAND")
final class WebhookCommands {
  private static final String NAME = "The webhook's name.";

  private WebhookCommands() {}

  private static int with(OwnerCommand.Work<Webhooks> work) throws Exception {
    return OwnerCommand.run(Webhooks::of, work);
  }

  /** Prints the secret. */
  @Command(
      name = "add",
      description =
          "Add a webhook and print its secret, by which the receiver verifies events. It gets what"
              + " is committed from now on.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Add implements Callable<Integer> {
    @Option(
        names = "--tables",
        split = ",",
        defaultValue = "user_messages",
        description =
            "Of which tables it gets changes, separated by commas (default: ${DEFAULT-VALUE}):"
                + " user_messages, message_reactions, user_conversations,"
                + " conversation_preferences, user_blocks.")
    private String[] tables = {};

    @Option(
        names = "--operations",
        split = ",",
        defaultValue = "INSERT,UPDATE,DELETE",
        description = "Which changes it gets (default: ${DEFAULT-VALUE}).")
    private String[] operations = {};

    @Option(names = "--team", description = "Only what people of this team see: its id.")
    private @Nullable String team;

    @Option(
        names = "--rate",
        defaultValue = "50",
        description = "Posts a second, by all nodes together (default: ${DEFAULT-VALUE}).")
    private int rate;

    @Parameters(index = "0", paramLabel = "NAME", description = NAME)
    private String name = "";

    @Parameters(index = "1", paramLabel = "URL", description = "Where events are posted.")
    private String url = "";

    @Override
    public Integer call() throws Exception {
      return with(
          webhooks -> System.out.println(webhooks.add(name, url, tables, operations, team, rate)));
    }
  }

  /** One line each. */
  @Command(
      name = "list",
      description = "Show the webhooks and what waits for them.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Show implements Callable<Integer> {
    @Override
    public Integer call() throws Exception {
      return with(webhooks -> System.out.println(webhooks.states()));
    }
  }

  /** With all that waits for it. */
  @Command(
      name = "remove",
      description = "Remove a webhook with all that waits for it.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Remove implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = NAME)
    private String name = "";

    @Override
    public Integer call() throws Exception {
      return with(
          webhooks ->
              System.out.printf(
                  "Removed %s and %d events that were not acknowledged.%n",
                  name, webhooks.remove(name)));
    }
  }

  /** The opposite of {@link Resume}. */
  @Command(
      name = "pause",
      description = "Post nothing to a webhook for a while. Its events wait.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Pause implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = NAME)
    private String name = "";

    @Override
    public Integer call() throws Exception {
      return pause(name, true);
    }
  }

  /** The opposite of {@link Pause}. */
  @Command(
      name = "resume",
      description = "Go on posting to a webhook that was paused.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Resume implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = NAME)
    private String name = "";

    @Override
    public Integer call() throws Exception {
      return pause(name, false);
    }
  }

  private static int pause(String name, boolean paused) throws Exception {
    String state = paused ? "paused" : "active";
    return with(webhooks -> OwnerCommand.say(name, state, webhooks.pause(name, paused)));
  }

  /** The running service posts it. */
  @Command(
      name = "test",
      description =
          "Have the running service post an event of type TEST, and print its webhook-id. The"
              + " command list shows whether it waits, and why.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Test implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = NAME)
    private String name = "";

    @Override
    public Integer call() throws Exception {
      return with(webhooks -> System.out.println(webhooks.test(name)));
    }
  }

  /** Two signatures until {@code --end}. */
  @Command(
      name = "rotate-secret",
      description =
          "Give a webhook a new secret and print it. The former one signs, too, until this command"
              + " is called with --end.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Rotate implements Callable<Integer> {
    @Option(names = "--end", description = "The receiver knows the new one: forget the former.")
    private boolean ends;

    @Parameters(paramLabel = "NAME", description = NAME)
    private String name = "";

    @Override
    public Integer call() throws Exception {
      return with(
          webhooks ->
              System.out.println(
                  !ends
                      ? webhooks.rotate(name)
                      : webhooks.endRotation(name)
                          ? "The former secret of " + name + " signs no more."
                          : name + " had one secret already."));
    }
  }

  /** What was given up. */
  @Command(
      name = "dead-letters",
      description = "Show the newest 100 events that were given up, and why.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Dead implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", arity = "0..1", description = NAME + " Default: all.")
    private @Nullable String name;

    @Override
    public Integer call() throws Exception {
      return with(webhooks -> System.out.println(webhooks.deadLetters(name)));
    }
  }

  /** Dead letters wait again. */
  @Command(
      name = "retry",
      description = "Have dead letters posted again.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Retry implements Callable<Integer> {
    @Parameters(index = "0", paramLabel = "NAME", description = NAME)
    private String name = "";

    @Parameters(
        index = "1",
        paramLabel = "ID",
        arity = "0..1",
        description = "One webhook-id. Default: all dead letters of the webhook.")
    private @Nullable String id;

    @Override
    public Integer call() throws Exception {
      return with(
          webhooks -> System.out.printf("%d events wait again.%n", webhooks.retry(name, id)));
    }
  }
}
