//! The kinds of tokens and nodes of the syntax tree, and nothing else.
//!
//! One enum for both, so that a consumer can match on either without conversion. Tokens come first; `is_token`
//! and `is_trivia` follow from the order of declaration. This file knows no grammar.

/// Kind of a token or node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SyntaxKind {
    // Trivia: tokens without meaning to the grammar.
    /// Blanks and line ends (also a byte order mark at the start).
    Whitespace,
    /// `-- ...` and `--[==[ ... ]==]`.
    Comment,
    // Tokens.
    /// Bytes that are no token of the language.
    Unknown,
    Ident,
    /// Number literal, possibly malformed (then there is an error at its range).
    Number,
    /// Quoted or long string, possibly unterminated (then there is an error at its range).
    Str,
    And,
    Break,
    Do,
    Else,
    Elseif,
    End,
    False,
    For,
    Function,
    Goto,
    If,
    In,
    Local,
    Nil,
    Not,
    Or,
    Repeat,
    Return,
    Then,
    True,
    Until,
    While,
    // Words reserved by the type annotations.
    Fun,
    Interface,
    As,
    Asserts,
    Readonly,
    Is,
    Typeof,
    Keyof,
    Extends,
    // Punctuation.
    Plus,
    Minus,
    Star,
    Slash,
    SlashSlash,
    Percent,
    Caret,
    Hash,
    Amp,
    Tilde,
    Pipe,
    Shl,
    /// `>>`: made by the parser from two `>` where an operator is meant, never inside type arguments.
    Shr,
    DotDot,
    Ellipsis,
    Dot,
    Comma,
    Semicolon,
    Colon,
    ColonColon,
    LParen,
    RParen,
    LBrace,
    RBrace,
    LBracket,
    RBracket,
    Assign,
    Eq,
    NotEq,
    Lt,
    Le,
    Gt,
    /// `>=`: made by the parser from `>` and `=` where an operator is meant.
    Ge,
    Arrow,
    Question,
    QuestionColon,
    Bang,
    At,
    /// End of input; never part of a tree.
    Eof,

    // Nodes: structure.
    /// The root; holds one `Block` and, in faulty sources, `Error` nodes.
    Chunk,
    Block,
    /// Tokens the parser had to skip.
    Error,
    // Statements.
    LocalStat,
    LocalFunctionStat,
    FunctionStat,
    AssignStat,
    CallStat,
    DoStat,
    WhileStat,
    RepeatStat,
    IfStat,
    ElseifClause,
    ElseClause,
    NumericForStat,
    GenericForStat,
    ReturnStat,
    BreakStat,
    GotoStat,
    LabelStat,
    EmptyStat,
    TypeStat,
    InterfaceStat,
    // Parts of statements.
    /// `Name [":" type]` in a `local` or a parameter list.
    TypedName,
    /// The targets of an assignment.
    TargetList,
    /// Expressions separated by commas.
    ExprList,
    /// `a.b.c:d` of a function statement.
    FunctionName,
    /// The names between `for` and `in` or `=`.
    ForNames,
    /// `: type` after a name.
    TypeAnnotation,
    /// `<T, U: Bound>`.
    TypeParams,
    TypeParam,
    /// Everything of a function after its name: type parameters, parameters, results, block, `end`.
    FunctionBody,
    ParamList,
    /// `... [":" type]` in a parameter list.
    VarargParam,
    /// `: type {"," type}` after a parameter list.
    ReturnTypes,
    /// `: ref {"," ref}` of an interface.
    InterfaceBases,
    /// `function Name(params) [: returns]` without a body.
    MethodSig,
    // Expressions.
    NameExpr,
    LiteralExpr,
    VarargExpr,
    FunctionExpr,
    TableExpr,
    /// `value` in a table constructor.
    PositionalField,
    /// `name = value` in a table constructor.
    NamedField,
    /// `[key] = value` in a table constructor.
    IndexedField,
    ParenExpr,
    /// `a.b`
    FieldExpr,
    /// `a[b]`
    IndexExpr,
    CallExpr,
    MethodCallExpr,
    /// `(...)`, `{...}` or a string after a callee.
    Arguments,
    UnaryExpr,
    BinaryExpr,
    /// `operand :: T`, `operand as T`: operand, then `CastTarget`.
    CastExpr,
    /// The operator of a cast and its type.
    CastTarget,
    /// `operand!`: operand, then `NonNilMark`.
    NonNilExpr,
    /// The `!` of a `NonNilExpr`.
    NonNilMark,
    // Types.
    /// `Name`, `a.b.Name`, `Name<T>`, and primitives (they are ordinary names).
    NamedType,
    TypeArgs,
    /// `nil`, `true`, `false`, a string or a number used as a type.
    LiteralType,
    /// `{T}` or `T[]`.
    ArrayType,
    /// `{[K]: V}`.
    MapType,
    /// `{a: T, b?: U}` or `interface {...}`.
    RecordType,
    RecordField,
    ReadonlyType,
    /// `T["k"]`.
    IndexAccessType,
    /// `(a: T) -> U` or `fun(a: T): U`.
    FunctionType,
    FunctionTypeParam,
    /// `...T` in the parameters of a function type.
    FunctionTypeVararg,
    ParenType,
    /// `(A, B)` or `()` as a result.
    TupleType,
    AssertsType,
    TypeofType,
    KeyofType,
    OptionalType,
    UnionType,
    IntersectionType,
    ConditionalType,
    /// A type with its `@` attributes.
    AnnotatedType,
    /// `@name(args)`.
    TypeAttribute,

    /// Placeholder inside the parser; never part of a tree.
    Tombstone,
}

impl SyntaxKind {
    /// True for kinds that only tokens have.
    pub fn is_token(self) -> bool {
        self <= SyntaxKind::Eof
    }

    /// True for blanks and comments.
    pub fn is_trivia(self) -> bool {
        self <= SyntaxKind::Comment
    }

    /// True for the words reserved by type annotations (`fun`, `as`, ...), which may still be field names.
    pub fn is_type_word(self) -> bool {
        self >= SyntaxKind::Fun && self <= SyntaxKind::Extends
    }

    /// True for the words of Lua itself.
    pub fn is_keyword(self) -> bool {
        self >= SyntaxKind::And && self <= SyntaxKind::While
    }

    /// The kind of an identifier-shaped word.
    pub(crate) fn of_word(word: &[u8]) -> SyntaxKind {
        use SyntaxKind::*;
        match word {
            b"and" => And,
            b"break" => Break,
            b"do" => Do,
            b"else" => Else,
            b"elseif" => Elseif,
            b"end" => End,
            b"false" => False,
            b"for" => For,
            b"function" => Function,
            b"goto" => Goto,
            b"if" => If,
            b"in" => In,
            b"local" => Local,
            b"nil" => Nil,
            b"not" => Not,
            b"or" => Or,
            b"repeat" => Repeat,
            b"return" => Return,
            b"then" => Then,
            b"true" => True,
            b"until" => Until,
            b"while" => While,
            b"fun" => Fun,
            b"interface" => Interface,
            b"as" => As,
            b"asserts" => Asserts,
            b"readonly" => Readonly,
            b"is" => Is,
            b"typeof" => Typeof,
            b"keyof" => Keyof,
            b"extends" => Extends,
            _ => Ident,
        }
    }
}
