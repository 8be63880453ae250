package com.gptdesk.chat.service;

import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.people.People;
import com.gptdesk.chat.service.people.People.Imported;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The commands about people: who they are, and tokens to try the chat with. */
final class PeopleCommands {
  private static final String WHO = "The person's e-mail address or id.";

  private PeopleCommands() {}

  private static int with(OwnerCommand.Work<People> work) throws Exception {
    return OwnerCommand.run(People::of, work);
  }

  /** Prints the id. */
  @Command(
      name = "add-team",
      description = "Add a team and print its id. One of this name that is there stays.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class AddTeam implements Callable<Integer> {
    @Parameters(paramLabel = "NAME", description = "What people call the team.")
    private String name = "";

    @Override
    public Integer call() throws Exception {
      return with(people -> System.out.println(people.team(name)));
    }
  }

  /** Prints the id. */
  @Command(
      name = "add-person",
      description =
          "Add a person, or change the one with this id or e-mail address, and print the id. What"
              + " is not told stays; an empty text clears it.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class AddPerson implements Callable<Integer> {
    @Option(names = "--name", description = "The full name. Needed for a new person.")
    private @Nullable String name;

    @Option(names = "--team", description = "The team's name or id. People chat within a team.")
    private @Nullable String team;

    @Option(names = "--avatar", description = "The address of a picture.")
    private @Nullable String avatar;

    @Option(names = "--id", description = "The claim sub of their tokens. Default: a new UUID.")
    private @Nullable String id;

    @Parameters(paramLabel = "EMAIL", description = "The e-mail address, of one person only.")
    private String email = "";

    @Override
    public Integer call() throws Exception {
      return with(people -> System.out.println(people.person(id, email, name, team, avatar)));
    }
  }

  /** The opposite of {@link Deactivate}. */
  @Command(
      name = "activate",
      description = "Let a person use the chat again.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Activate implements Callable<Integer> {
    @Parameters(paramLabel = "WHO", description = WHO)
    private String who = "";

    @Override
    public Integer call() throws Exception {
      return activate(who, true);
    }
  }

  /** What they wrote stays. */
  @Command(
      name = "deactivate",
      description =
          "Let a person no longer use the chat, at once and whatever tokens they have. What they"
              + " wrote stays.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Deactivate implements Callable<Integer> {
    @Parameters(paramLabel = "WHO", description = WHO)
    private String who = "";

    @Override
    public Integer call() throws Exception {
      return activate(who, false);
    }
  }

  private static int activate(String who, boolean active) throws Exception {
    String state = active ? "active" : "inactive";
    return with(people -> OwnerCommand.say(who, state, people.activate(who, active)));
  }

  /** {@code people import}. */
  @Command(
      name = "people",
      description = "Read people from a file.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION,
      subcommands = OfFiles.Import.class,
      synopsisSubcommandLabel = "COMMAND")
  static final class OfFiles {

    /** All or none. */
    @Command(
        name = "import",
        description =
            "Add and change the people of a CSV file in UTF-8: all of them, or none if one cannot be"
                + " stored. Its first line names the columns: email, and any of full_name, team,"
                + " avatar_url, status and id.",
        mixinStandardHelpOptions = true,
        version = Main.VERSION)
    static final class Import implements Callable<Integer> {
      @Option(names = "--create-teams", description = "Add the teams that are not there yet.")
      private boolean createsTeams;

      @Parameters(paramLabel = "FILE", description = "The CSV file.")
      private Path file = Path.of("");

      @Override
      public Integer call() throws Exception {
        if (!Files.isRegularFile(file)) {
          throw new IllegalStateException("There is no file " + file + ".");
        }
        return with(
            people -> {
              Imported imported = people.read(file, createsTeams);
              System.out.printf(
                  "Added %d, changed %d, unchanged %d.%n",
                  imported.added(), imported.changed(), imported.unchanged());
            });
      }
    }
  }

  /** For trying; elsewhere the platform's login signs tokens. */
  @Command(
      name = "token",
      description =
          "Print a token of a person, to try the chat with: HS256, signed with CHAT_JWT_SECRET or"
              + " with the secret that the embedded database keeps.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Token implements Callable<Integer> {
    @Option(
        names = "--hours",
        defaultValue = "1",
        description = "How long it is valid, 1 to 24 hours (default: ${DEFAULT-VALUE}).")
    private int hours;

    @Option(
        names = "--service",
        description = "A key of back ends (service_role), which see and do everything.")
    private boolean service;

    @Parameters(paramLabel = "WHO", arity = "0..1", description = WHO)
    private @Nullable String who;

    @Override
    public Integer call() throws Exception {
      String person = who;
      if ((person == null) != service) {
        throw new IllegalStateException("Tell a person, or --service.");
      }
      if (hours < 1 || hours > 24) {
        throw new IllegalStateException("--hours is 1 to 24, not " + hours + ".");
      }
      TokenSettings settings = Service.tokens(Config.of(System.getenv()), false);
      if (settings.secret() == null) {
        throw new IllegalStateException(
            "Tokens are signed by whoever has the private keys of CHAT_JWKS_URL, not by the chat.");
      }
      TokenIssuer issuer = new TokenIssuer(settings);
      Duration life = Duration.ofHours(hours);
      if (person == null) {
        System.out.println(issuer.serviceKey(life));
        return 0;
      }
      return with(people -> System.out.println(issuer.forUser(people.active(person), life)));
    }
  }
}
