//! The releases of the practice server: what each changes in the tree, and what its notes say.

/// A change of one file, in words that a reader of the repository's history sees as a diff.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// Writes a file.
    Put(&'static str, &'static str),
    /// Replaces a text that stands in the file exactly once.
    Edit(&'static str, &'static str, &'static str),
}

use Change::{Edit, Put};

#[derive(Clone, Copy, Debug)]
pub struct Release {
    pub version: &'static str,
    /// Its part of the changelog.
    pub notes: &'static str,
    /// Whether its tag is annotated; Hoss's are not.
    pub annotated: bool,
    pub changes: &'static [Change],
}

/// The release that is installed first.
pub const BASE: &str = "0.2.10";

/// The good releases, oldest first. Each builds on the one before.
pub const RELEASES: &[Release] = &[
    Release {
        version: BASE,
        notes: "- First release of the practice server.\n",
        annotated: false,
        changes: &[],
    },
    Release {
        version: "0.2.11",
        notes: "- The reverse proxy publishes its own page on port 8080.\n\nNothing to do before the update.\n",
        annotated: false,
        changes: &[Edit(
            "server/ingress/docker-compose.yaml",
            "      - \"443:443\"\n",
            "      - \"443:443\"\n      - \"8080:8080\"\n",
        )],
    },
    Release {
        version: "0.2.12",
        notes: "- Large uploads are cut into parts.\n\n\
                Before the update:\n\n\
                - Add `UPLOAD_PART_MEGABYTES=64` to `~/.hoss/.env`; `make env` does not change a file that is there.\n\
                - Add `max_upload_gigabytes: 50` under `server:` in `~/.hoss/core/config.yaml`.\n",
        annotated: true,
        changes: &[
            Edit(
                "server/Makefile",
                "\techo \"UID=$(UID)\"; \\\n",
                "\techo \"UPLOAD_PART_MEGABYTES=64\"; \\\n\techo \"UID=$(UID)\"; \\\n",
            ),
            Edit(
                "server/core/docker-compose.yaml",
                "      AVAILABLE_SERVICES: ${SERVICES}\n",
                "      AVAILABLE_SERVICES: ${SERVICES}\n      UPLOAD_PART_MEGABYTES: ${UPLOAD_PART_MEGABYTES}\n",
            ),
            Edit(
                "server/core/config.yaml",
                "  dataset_delete_delay_minutes: 0\n",
                "  dataset_delete_delay_minutes: 0\n  max_upload_gigabytes: 50\n",
            ),
        ],
    },
    Release {
        version: "0.2.13",
        notes: "- Datasets know the region they are kept in.\n\n\
                Core migrates its database at the first start. The release before can't read it any more: take a backup.\n",
        annotated: false,
        changes: &[Put(
            "server/core/migrations/4_region.sql",
            "-- Where the objects of a dataset are kept.\n\
             ALTER TABLE datasets ADD COLUMN region text NOT NULL DEFAULT 'local';\n",
        )],
    },
    Release {
        version: "0.2.14",
        notes: "- Search suggests names while typing.\n\n\
                After the update the search index needs its new field: send the `properties` of\n\
                `server/core/pkg/opensearch/index.json` with `PUT /metadata-index/_mapping` to opensearch, then\n\
                `POST /metadata-index/_update_by_query`.\n",
        annotated: false,
        changes: &[Edit(
            "server/core/pkg/opensearch/index.json",
            "    \"metadata\": { \"type\": \"text\" }\n",
            "    \"metadata\": { \"type\": \"text\" },\n    \"suggest\": { \"type\": \"completion\" }\n",
        )],
    },
];

/// Releases that exist only where a fault asks for them. Each builds on the newest good one.
pub const BROKEN: &[Release] = &[
    Release {
        version: "0.2.15",
        notes: "- Uploads have a quota.\n",
        annotated: false,
        changes: &[Put(
            "server/core/program.json",
            "{ \"build\": { \"fails\": \"./uploads.go:41:12: undefined: quota\" } }\n",
        )],
    },
    Release {
        version: "0.2.16",
        notes: "- Core reads its settings from one place.\n",
        annotated: false,
        changes: &[Put(
            "server/core/program.json",
            "{ \"crash\": \"panic: runtime error: invalid memory address or nil pointer dereference\" }\n",
        )],
    },
    Release {
        version: "0.2.17",
        notes: "- The user interface is compiled from its sources.\n",
        annotated: false,
        changes: &[Put("server/ui/program.json", "{ \"build\": { \"seconds\": 8 } }\n")],
    },
    Release {
        version: "0.2.18",
        notes: "- Datasets have titles instead of names. Core migrates its database for good.\n",
        annotated: false,
        changes: &[
            Put("server/core/migrations/5_title.sql", "ALTER TABLE datasets RENAME COLUMN name TO title;\n"),
            Put(
                "server/core/migrations/6_owner.sql",
                "ALTER TABLE dataset_owners RENAME COLUMN user TO owner;\n",
            ),
        ],
    },
    Release {
        version: "0.3.0",
        notes: "- Namespaces are called collections.\n\nBackups of 0.2 can't be restored into 0.3.\n",
        annotated: false,
        changes: &[Put(
            "server/core/migrations/5_collections.sql",
            "ALTER TABLE datasets RENAME COLUMN namespace TO collection;\n",
        )],
    },
];

/// What `main` has after the newest release; its VERSION is still that of the release.
pub const AHEAD: &[Change] = &[Edit(
    "server/ui/index.html",
    "<h1>Practice server</h1>\n",
    "<h1>Practice server</h1>\n<p>In progress: a list of recent datasets.</p>\n",
)];
